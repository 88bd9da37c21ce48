import type { Transaction } from '@punctual/postgres';
import { currentContext } from '@punctual/telemetry';
import { MAX_BODY_BYTES } from '../codec.ts';

type Common = {
  readonly type: string;
  readonly data: unknown;
  /** A UUID; made up by the database when absent. */
  readonly id?: string;
  /** W3C; that of the current context when absent. Consumers of batches pass on that of the message that is the cause. */
  readonly traceparent?: string;
};

/** An event for Kafka: `topic` without the prefix of the deployment, `key` the aggregate whose events stay in order. */
export type KafkaOutboxMessage = Common & {
  readonly transport: 'kafka';
  readonly topic: string;
  readonly key: string;
};

/** Work for RabbitMQ. With `dueAt` the exchange must be a delayed exchange. */
export type RabbitOutboxMessage = Common & {
  readonly transport: 'rabbit';
  readonly exchange: string;
  readonly routingKey: string;
  /** The aggregate it is about; the routing key when absent. */
  readonly subject?: string;
  readonly dueAt?: Date;
};

export type OutboxMessage = KafkaOutboxMessage | RabbitOutboxMessage;

// Nine text arrays: '' stands for NULL, which an array binding cannot hold.
const INSERT = `
  INSERT INTO outbox (transport, message_id, type, destination, routing_key, subject, payload, due_at, traceparent)
  SELECT transport, coalesce(nullif(message_id, '')::uuid, gen_random_uuid()), type, destination, routing_key, subject,
         payload::json, nullif(due_at, '')::timestamptz, nullif(traceparent, '')
  FROM unnest(?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[], ?::text[])
       WITH ORDINALITY AS m (transport, message_id, type, destination, routing_key, subject, payload, due_at,
                             traceparent, position)
  ORDER BY position`;

/**
 * Writes the messages in the caller's transaction with one INSERT, in the order given. Throws when data is above 1 MB.
 *
 * Events of one aggregate leave in order as long as the caller holds the lock on the aggregate's row by now: only then
 * is a later event's id surely taken after the earlier one was committed.
 */
export async function addToOutbox(tx: Transaction, messages: readonly OutboxMessage[]): Promise<void> {
  if (messages.length === 0) return;
  const context = currentContext();
  await tx.raw(INSERT, [
    messages.map((m) => m.transport),
    messages.map((m) => m.id ?? ''),
    messages.map((m) => m.type),
    messages.map((m) => (m.transport === 'kafka' ? m.topic : m.exchange)),
    messages.map((m) => (m.transport === 'kafka' ? m.key : m.routingKey)),
    messages.map((m) => (m.transport === 'kafka' ? m.key : (m.subject ?? m.routingKey))),
    messages.map((m) => encode(m)),
    messages.map((m) => (m.transport === 'rabbit' && m.dueAt !== undefined ? m.dueAt.toISOString() : '')),
    messages.map((m) => m.traceparent ?? context?.traceparent ?? ''),
  ]);
}

function encode({ type, data }: OutboxMessage): string {
  const payload = JSON.stringify(data);
  if (payload === undefined) throw new TypeError(`the data of ${type} is undefined`);
  const bytes = Buffer.byteLength(payload);
  if (bytes > MAX_BODY_BYTES)
    throw new RangeError(`the data of ${type} has ${bytes} bytes; the limit is ${MAX_BODY_BYTES}`);
  return payload;
}
