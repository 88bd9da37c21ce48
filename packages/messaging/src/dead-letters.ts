import type { Database } from '@punctual/postgres';
import { MAX_BODY_BYTES } from './codec.ts';

/** A Kafka record that no handler will ever accept. */
export type PoisonRecord = {
  /** The consumer group that gave up. */
  readonly consumer: string;
  /** Topic as it is named on the broker. */
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  /** `ce_id`, as far as it could be read. */
  readonly eventId: string | undefined;
  readonly type: string | undefined;
  readonly key: Buffer | null;
  readonly payload: Buffer | null;
  readonly reason: string;
};

const INSERT = `
  INSERT INTO dead_letters (consumer, event_id, type, topic, partition, record_offset, record_key, payload, reason)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (consumer, topic, partition, record_offset) DO NOTHING`;

/** Keeps the record with its reason, once however often it is called. Text columns take no NUL, so it is shown as U+FFFD. */
export async function writeDeadLetter(db: Database, record: PoisonRecord): Promise<void> {
  await db.primary.raw(INSERT, [
    record.consumer,
    asText(record.eventId),
    asText(record.type),
    record.topic,
    record.partition,
    record.offset,
    record.key,
    record.payload?.subarray(0, MAX_BODY_BYTES) ?? null,
    asText(record.reason),
  ]);
}

function asText(text: string | undefined): string | null {
  return text?.replaceAll('\0', '\uFFFD').toWellFormed() ?? null;
}
