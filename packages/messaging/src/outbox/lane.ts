import { pause } from '@punctual/lifecycle';
import { type Database, execute, rows } from '@punctual/postgres';
import { type Backoff, backoffMs } from '../backoff.ts';
import type { Envelope } from '../envelope.ts';
import type { Outage } from '../outage.ts';
import type { Wakeup } from './wakeup.ts';

export type OutboxRow = {
  readonly id: number;
  readonly message_id: string;
  readonly type: string;
  readonly destination: string;
  readonly routing_key: string;
  readonly subject: string;
  readonly payload: string;
  readonly due_at: Date | null;
  readonly traceparent: string | null;
  readonly created_at: Date;
};

/** What the broker said to a batch. Rows in neither list have an unknown fate and stay as they are. */
export type LaneOutcome = {
  readonly published: readonly number[];
  readonly refused: readonly { readonly id: number; readonly reason: string }[];
  /** Why some rows are in neither list: the lane waits a while before it goes on. */
  readonly error?: Error;
};

export type Lane = {
  readonly transport: 'kafka' | 'rabbit';
  readonly batch: number;
  /** Throws when nothing is known to have been published. */
  publish(batch: readonly OutboxRow[]): Promise<LaneOutcome>;
  /** Takes published rows out of the outbox; they are deleted when absent. */
  settle?(ids: readonly number[]): Promise<void>;
};

export type LaneOptions = {
  readonly db: Database;
  readonly wakeup: Wakeup;
  readonly signal: AbortSignal;
  readonly pollMs: number;
  readonly idlePollMs: number;
  /** Rest after a pass that took all there was, so that what is written meanwhile shares the next one. */
  readonly lingerMs: number;
  readonly outage: Outage;
  onPublished(count: number): void;
  onError(count: number): void;
  onRefused(refused: { readonly id: number; readonly reason: string }): void;
};

const RETRY: Backoff = { firstMs: 100, maxMs: 2_000 };
const MAX_REFUSAL_SECONDS = 60;

const SELECT = `
  SELECT id, message_id, type, destination, routing_key, subject, payload::text AS payload, due_at, traceparent,
         created_at
  FROM outbox
  WHERE transport = ? AND (next_attempt_at IS NULL OR next_attempt_at <= now())
  ORDER BY id
  LIMIT ?`;

const DELETE = 'DELETE FROM outbox WHERE transport = ? AND id = ANY(?)';

const POSTPONE = `
  UPDATE outbox
  SET attempts = attempts + 1, last_error = m.reason,
      next_attempt_at = now() + least(${MAX_REFUSAL_SECONDS}, 2 ^ least(attempts, 10)) * interval '1 second'
  FROM unnest(?::bigint[], ?::text[]) AS m (id, reason)
  WHERE outbox.transport = ? AND outbox.id = m.id`;

/** Publishes batch after batch until the signal is aborted. Never throws: every error is waited out. */
export async function runLane(lane: Lane, options: LaneOptions): Promise<void> {
  const { wakeup, signal, outage, pollMs, idlePollMs, lingerMs } = options;
  let failures = 0;
  let idleMs = pollMs;
  while (!signal.aborted) {
    try {
      const found = await passOnce(lane, options);
      failures = 0;
      outage.recovered();
      if (found > 0) idleMs = pollMs;
      if (found === lane.batch) continue;
      await pause(lingerMs, signal);
      if (found > 0) continue;
    } catch (error) {
      failures += 1;
      options.onError(1);
      outage.failed(error);
      // Not to be cut short by wake(): every commit would otherwise be one more attempt at a broker that is down.
      await pause(backoffMs(failures, RETRY), signal);
      continue;
    }
    await wakeup.wait(idleMs, signal);
    idleMs = Math.min(idlePollMs, idleMs * 2);
  }
}

async function passOnce(lane: Lane, { db, onPublished, onRefused }: LaneOptions): Promise<number> {
  const batch = await rows<OutboxRow>(db.primary, SELECT, [lane.transport, lane.batch]);
  if (batch.length === 0) return 0;
  const { published, refused, error } = await lane.publish(batch);
  if (published.length > 0) {
    if (lane.settle === undefined) await execute(db.primary, DELETE, [lane.transport, [...published]]);
    else await lane.settle(published);
    onPublished(published.length);
  }
  if (refused.length > 0) {
    const ids = refused.map(({ id }) => id);
    await execute(db.primary, POSTPONE, [ids, refused.map(({ reason }) => reason), lane.transport]);
    for (const one of refused) onRefused(one);
  }
  if (error !== undefined) throw error;
  return batch.length;
}

/** The message of a row. Its data stays the text that the row holds: nothing here looks into it. */
export function envelopeOf(row: OutboxRow, source: string): Envelope {
  return {
    id: row.message_id,
    type: row.type,
    source,
    subject: row.subject,
    time: row.created_at.toISOString(),
    data: undefined,
    attempt: 1,
    ...(row.traceparent === null ? {} : { traceparent: row.traceparent }),
    ...(row.due_at === null ? {} : { dueAt: row.due_at }),
  };
}
