import type { Json } from './documented.ts';
import { events, isEventType } from './events/index.ts';
import { mailJobFlows, type ServiceName, topicFlows } from './flows.ts';
import { isMailJobType } from './mail-jobs.ts';
import type { MessageType } from './messages.ts';

/** What CloudEvents puts in front of its attributes: one prefix for each of the two protocols. */
const KAFKA_PREFIX = 'ce_';
const AMQP_PREFIX = 'cloudEvents:';

export type HeaderSet = {
  readonly type: 'object';
  readonly properties: Readonly<Record<string, Json>>;
  readonly required: readonly string[];
};

/** The headers of a message on its broker. The messaging package's tests hold what it really writes against them. */
export function headersOf(type: MessageType): HeaderSet {
  const prefix = isEventType(type) ? KAFKA_PREFIX : AMQP_PREFIX;
  const attributes: Record<string, Json> = {
    specversion: { type: 'string', const: '1.0' },
    id: { type: 'string', format: 'uuid', description: 'The same on every delivery: by this repeats are recognised' },
    type: { type: 'string', const: type },
    source: { type: 'string', const: `/${sourceOf(type)}`, description: 'The service that wrote it' },
    subject: { type: 'string', minLength: 1, description: subjectOf(type) },
    time: { type: 'string', format: 'date-time', description: 'When it was written to the outbox, UTC' },
  };
  const named = Object.fromEntries(Object.entries(attributes).map(([name, schema]) => [prefix + name, schema]));
  return {
    type: 'object',
    properties: {
      ...named,
      traceparent: { type: 'string', description: 'W3C trace context of what brought it about' },
      ...(isEventType(type) ? { 'content-type': { type: 'string', const: 'application/json' } } : QUEUE_HEADERS),
    },
    required: [...Object.keys(named), ...(isEventType(type) ? ['content-type'] : [])],
  };
}

/** What RabbitMQ messages may carry besides; the last four only in a dead-letter queue. */
const QUEUE_HEADERS: Readonly<Record<string, Json>> = {
  'x-due-at': { type: 'integer', description: 'Not to be handled before: ms since 1970. On delayed exchanges only' },
  'x-attempt': { type: 'integer', minimum: 2, description: 'Which attempt this is; the first is not counted' },
  'x-first-failure-at': { type: 'string', format: 'date-time' },
  'x-last-failure-at': { type: 'string', format: 'date-time' },
  'x-reason': { type: 'string', description: 'Why it was given up' },
  'x-attempts': { type: 'integer', minimum: 1, description: 'How many attempts there were' },
  'x-queue': { type: 'string', description: 'The queue that it was given up in' },
};

function sourceOf(type: MessageType): ServiceName {
  if (isEventType(type)) return topicFlows[events[type].topic].publisher;
  if (isMailJobType(type)) return mailJobFlows[type].publisher;
  return type === 'receipt' ? 'mail' : 'order';
}

function subjectOf(type: MessageType): string {
  if (isEventType(type)) return `The ${events[type].key}, which is also the record's key`;
  if (type === 'mail.verification') return 'The user, such as user:7';
  return type === 'receipt' ? 'The service whose messages these were' : 'The order, of several the first';
}
