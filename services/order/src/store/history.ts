import type { PaymentFailure } from '@punctual/contracts';
import { execute, type Queryable, rows, type Transaction } from '@punctual/postgres';
import type { Fulfillment, OrderReason, OrderStatus } from '../domain/order.ts';

export type HistoryEntry = {
  readonly orderId: number;
  readonly at: Date;
  readonly type: string;
  /** Who caused it: `user:17`, `admin:1`, `product`, `payment` or `timer`. */
  readonly actor: string;
  /** The fulfilment for `order.status_changed`, else the status. */
  readonly from?: OrderStatus | Fulfillment | null;
  readonly to?: OrderStatus | Fulfillment | null;
  /** Why the order ended, or why a payment of it failed. */
  readonly reason?: OrderReason | PaymentFailure | null;
  readonly detail?: Readonly<Record<string, unknown>>;
};

export async function addHistory(tx: Transaction, entries: readonly HistoryEntry[]): Promise<void> {
  if (entries.length === 0) return;
  const records = entries.map(({ orderId, at, type, actor, from = null, to = null, reason = null, detail = {} }) => ({
    order_id: orderId,
    at,
    type,
    actor,
    from_status: from,
    to_status: to,
    reason,
    detail,
  }));
  await execute(
    tx,
    `INSERT INTO order_events (order_id, at, type, actor, from_status, to_status, reason, detail)
     SELECT e.* FROM json_to_recordset(CAST(:records AS json))
       AS e (order_id bigint, at timestamptz, type text, actor text, from_status text, to_status text, reason text,
             detail jsonb)`,
    { records: JSON.stringify(records) },
  );
}

/**
 * Oldest decision first. `at` is the instant a transaction began, which may be before it waited for the lock that the one
 * before it held; ids are given under the lock.
 */
export async function historyOf(db: Queryable, orderId: number): Promise<Required<HistoryEntry>[]> {
  return await historiesOf(db, [orderId]);
}

/** The same of several orders, one after the other. */
export async function historiesOf(db: Queryable, orderIds: readonly number[]): Promise<Required<HistoryEntry>[]> {
  const found = await rows<{
    order_id: number;
    at: Date;
    type: string;
    actor: string;
    from_status: OrderStatus | Fulfillment | null;
    to_status: OrderStatus | Fulfillment | null;
    reason: OrderReason | PaymentFailure | null;
    detail: Record<string, unknown>;
  }>(
    db,
    `SELECT order_id, at, type, actor, from_status, to_status, reason, detail FROM order_events
     WHERE order_id = ANY(CAST(:orderIds AS bigint[])) ORDER BY order_id, id`,
    { orderIds: [...orderIds] },
  );
  return found.map(({ order_id: orderId, from_status: from, to_status: to, ...entry }) => ({
    ...entry,
    orderId,
    from,
    to,
  }));
}
