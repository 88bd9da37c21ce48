import { type Database, execute, one } from '@punctual/postgres';
import { RECEIPTED_EXCHANGES } from '../topology.ts';

/** Waits double this often and stay the same then. */
const MAX_DOUBLINGS = 5;
const RESEND_BATCH = 1_000;
const HURRY_BATCH = 10_000;

// Sorted by message_id like FORGET, so that the two wait for each other instead of deadlocking. DISTINCT, since one
// statement cannot note down one message twice.
const SETTLE = `
  WITH confirmed AS (
    DELETE FROM outbox WHERE transport = 'rabbit' AND id = ANY(CAST(:ids AS bigint[])) RETURNING *
  )
  INSERT INTO outbox_sent AS s (message_id, type, destination, routing_key, subject, payload, traceparent, created_at,
                                sendings, resend_at)
  SELECT DISTINCT ON (message_id) message_id, type, destination, routing_key, subject, payload, traceparent, created_at,
         1, now() + CAST(:waitMs AS float8) * interval '1 ms'
  FROM confirmed WHERE destination = ANY(CAST(:exchanges AS text[])) ORDER BY message_id
  ON CONFLICT (message_id) DO UPDATE SET
    sendings = s.sendings + 1,
    resend_at = now() + CAST(:waitMs AS float8) * 2 ^ least(s.sendings, ${MAX_DOUBLINGS}) * interval '1 ms'`;

const RESEND = `
  WITH due AS (
    UPDATE outbox_sent SET resend_at = NULL WHERE message_id IN (
      SELECT message_id FROM outbox_sent WHERE resend_at <= now() ORDER BY resend_at LIMIT ${RESEND_BATCH}
      FOR UPDATE SKIP LOCKED)
    RETURNING *
  )
  INSERT INTO outbox (transport, message_id, type, destination, routing_key, subject, payload, traceparent, created_at)
  SELECT 'rabbit', message_id, type, destination, routing_key, subject, payload, traceparent, created_at
  FROM due ORDER BY created_at`;

const HURRY = `
  UPDATE outbox_sent SET resend_at = now() WHERE message_id IN (
    SELECT message_id FROM outbox_sent WHERE resend_at > now() LIMIT ${HURRY_BATCH} FOR UPDATE SKIP LOCKED)`;

const FORGET = `
  DELETE FROM outbox_sent WHERE message_id IN (
    SELECT message_id FROM outbox_sent WHERE message_id = ANY(CAST(:ids AS uuid[])) ORDER BY message_id FOR UPDATE)`;

const WAITING = `
  SELECT count(*)::int AS waiting FROM (SELECT FROM outbox_sent LIMIT CAST(:limit AS integer)) AS counted`;

/** The broker has these outbox rows: they go, or wait for their receipts where their exchange asks for them. */
export async function settle(db: Database, ids: readonly number[], waitMs: number): Promise<void> {
  await execute(db.primary, SETTLE, { ids: [...ids], waitMs, exchanges: [...RECEIPTED_EXCHANGES] });
}

/** Puts copies of what has waited long enough into the outbox, with the same ids. True when there may be more. */
export async function resend(db: Database): Promise<{ count: number; isMore: boolean }> {
  const count = await execute(db.primary, RESEND);
  return { count, isMore: count === RESEND_BATCH };
}

/** Lets everything be sent again now. */
export async function hurry(db: Database): Promise<number> {
  let all = 0;
  for (;;) {
    const count = await execute(db.primary, HURRY);
    all += count;
    if (count < HURRY_BATCH) return all;
  }
}

/** The receivers have finished with these. Ids that are not there do nothing. */
export async function forget(db: Database, ids: readonly string[]): Promise<void> {
  await execute(db.primary, FORGET, { ids: [...ids] });
}

/** How many wait for their receipts, counted up to `limit`. */
export async function countSent(db: Database, limit: number): Promise<number> {
  return (await one<{ waiting: number }>(db.primary, WAITING, { limit }))?.waiting ?? 0;
}
