import type { z } from 'zod';
import { type EventType, events, isEventType } from './events/index.ts';
import { mailJobs, orderTimer } from './mail-jobs.ts';
import { receipt } from './receipt.ts';

/** Wake-ups on the delayed exchange `order.timers`, by routing key. */
export const orderTimers = { 'order.reminder': orderTimer, 'order.expiry': orderTimer } as const;

/** Every message on RabbitMQ, by CloudEvents type. */
export const queueMessages = { ...mailJobs, ...orderTimers, receipt } as const;

export type OrderTimerType = keyof typeof orderTimers;
export type QueueMessageType = keyof typeof queueMessages;
export type MessageType = EventType | QueueMessageType;

/** Every message of the shop, events first, in the order of their declaration. */
export const messageTypes: readonly MessageType[] = [
  ...(Object.keys(events) as EventType[]),
  ...(Object.keys(queueMessages) as QueueMessageType[]),
];

export function isMessageType(type: string): type is MessageType {
  return isEventType(type) || Object.hasOwn(queueMessages, type);
}

/** What the data of a message must be, whichever broker carries it. */
export function dataSchemaOf(type: MessageType): z.ZodType {
  return isEventType(type) ? events[type].data : queueMessages[type];
}
