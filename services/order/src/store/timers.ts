import { execute, one, type Queryable, rows, type Transaction } from '@punctual/postgres';
import { type SettledTimer, TIMER_KINDS, type Timer, type TimerKind, type TimerState } from '../domain/timers.ts';

export type StoredTimer = Timer & { readonly orderId: number; readonly state: TimerState };

const OVERDUE = `state = 'waiting' AND due_at <= now() - :graceMs * interval '1 millisecond'`;

/** All timers of the orders, settled ones too. */
export async function timersOf(tx: Transaction, orderIds: readonly number[]): Promise<StoredTimer[]> {
  const found = await rows<{ order_id: number; kind: TimerKind; due_at: Date; state: TimerState }>(
    tx,
    'SELECT order_id, kind, due_at, state FROM order_timers WHERE order_id = ANY(CAST(:orderIds AS bigint[]))',
    { orderIds: [...orderIds] },
  );
  return found.map((row) => ({ orderId: row.order_id, kind: row.kind, dueAt: row.due_at, state: row.state }));
}

export async function settleTimers(
  tx: Transaction,
  settled: readonly (SettledTimer & { readonly orderId: number })[],
): Promise<void> {
  if (settled.length === 0) return;
  await execute(
    tx,
    `UPDATE order_timers t SET state = s.state
     FROM unnest(CAST(:orderIds AS bigint[]), CAST(:kinds AS text[]), CAST(:states AS text[])) AS s (order_id, kind, state)
     WHERE t.order_id = s.order_id AND t.kind = s.kind AND t.state = 'waiting'`,
    {
      orderIds: settled.map((timer) => timer.orderId),
      kinds: settled.map((timer) => timer.kind),
      states: settled.map((timer) => timer.state),
    },
  );
}

/** Paid orders keep their expiry, which will complete them; ended ones keep nothing. */
export async function cancelTimers(
  tx: Transaction,
  { paidIds, endedIds }: { paidIds: readonly number[]; endedIds: readonly number[] },
): Promise<void> {
  if (paidIds.length + endedIds.length === 0) return;
  await execute(
    tx,
    `UPDATE order_timers SET state = 'cancelled'
     WHERE order_id = ANY(CAST(:orderIds AS bigint[])) AND state = 'waiting'
       AND (kind <> 'expiry' OR order_id = ANY(CAST(:endedIds AS bigint[])))`,
    { orderIds: [...paidIds, ...endedIds], endedIds: [...endedIds] },
  );
}

/** Orders with a timer that is due for longer than `graceMs`: due expiries first, then reminders, oldest first. */
export async function findOverdueOrders(
  db: Queryable,
  { graceMs, limit }: { graceMs: number; limit: number },
): Promise<number[]> {
  const found = await rows<{ order_id: number }>(
    db,
    `SELECT t.order_id FROM unnest(CAST(:kinds AS text[])) WITH ORDINALITY AS k (kind, rank)
     CROSS JOIN LATERAL (
       SELECT order_id, due_at FROM order_timers WHERE kind = k.kind AND ${OVERDUE} ORDER BY due_at LIMIT :limit
     ) t
     ORDER BY k.rank, t.due_at LIMIT :limit`,
    { kinds: [...TIMER_KINDS], graceMs, limit },
  );
  return [...new Set(found.map((row) => row.order_id))];
}

export async function countOverdueTimers(db: Queryable, { graceMs }: { graceMs: number }): Promise<number> {
  const row = await one<{ total: number }>(
    db,
    `SELECT count(*) AS total FROM order_timers WHERE kind = ANY(CAST(:kinds AS text[])) AND ${OVERDUE}`,
    { kinds: [...TIMER_KINDS], graceMs },
  );
  return row?.total ?? 0;
}
