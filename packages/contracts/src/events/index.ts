import type { z } from 'zod';
import type { Topic } from '../topics.ts';
import { orderCancelled, orderCompleted, orderCreated, orderPaid, orderRefunded, orderStatusChanged } from './order.ts';
import { paymentFailed, paymentRefunded, paymentSuccess } from './payment.ts';
import { productDeleted, productState } from './product.ts';
import { stockRejected, stockReleased, stockReserved } from './stock.ts';
import { userCreated, userDeleted, userUpdated, userVerified } from './user.ts';

/**
 * Every event on Kafka: its topic, what keys it, and the schema of its data.
 * Schemas drop fields that they do not know, so that a consumer survives the producer's next version.
 */
export const events = {
  'user.created': { topic: 'user', key: 'user_id', data: userCreated },
  'user.verified': { topic: 'user', key: 'user_id', data: userVerified },
  'user.updated': { topic: 'user', key: 'user_id', data: userUpdated },
  'user.deleted': { topic: 'user', key: 'user_id', data: userDeleted },
  'product.created': { topic: 'product', key: 'product_id', data: productState },
  'product.updated': { topic: 'product', key: 'product_id', data: productState },
  'product.deleted': { topic: 'product', key: 'product_id', data: productDeleted },
  'order.created': { topic: 'order', key: 'order_id', data: orderCreated },
  'order.paid': { topic: 'order', key: 'order_id', data: orderPaid },
  'order.completed': { topic: 'order', key: 'order_id', data: orderCompleted },
  'order.cancelled': { topic: 'order', key: 'order_id', data: orderCancelled },
  'order.refunded': { topic: 'order', key: 'order_id', data: orderRefunded },
  'order.status_changed': { topic: 'order', key: 'order_id', data: orderStatusChanged },
  'payment.success': { topic: 'payment', key: 'order_id', data: paymentSuccess },
  'payment.failed': { topic: 'payment', key: 'order_id', data: paymentFailed },
  'payment.refunded': { topic: 'payment', key: 'order_id', data: paymentRefunded },
  'stock.reserved': { topic: 'stock', key: 'order_id', data: stockReserved },
  'stock.rejected': { topic: 'stock', key: 'order_id', data: stockRejected },
  'stock.released': { topic: 'stock', key: 'order_id', data: stockReleased },
} as const satisfies Record<string, { topic: Topic; key: string; data: z.ZodType }>;

export type EventType = keyof typeof events;
export type EventData<T extends EventType> = z.infer<(typeof events)[T]['data']>;

export function isEventType(type: string): type is EventType {
  return Object.hasOwn(events, type);
}

/** The data of an event, checked. Throws ZodError when the data is not what the type promises. */
export function parseEvent<T extends EventType>(type: T, data: unknown): EventData<T> {
  return events[type].data.parse(data) as EventData<T>;
}
