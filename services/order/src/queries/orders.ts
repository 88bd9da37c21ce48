import type { Database } from '@punctual/postgres';
import { type HistoryEntry, historiesOf, historyOf } from '../store/history.ts';
import {
  countOrders,
  findOrder,
  idsInScope,
  listOrders,
  type Order,
  type OrderFilter,
  type Scope,
} from '../store/orders.ts';

const DAY_MS = 86_400_000;

/** What clients are shown of an order. */
export type ShownOrder = Omit<Order, 'customerEmail' | 'paidAt' | 'paymentId'>;
export type TimelineEntry = Omit<Required<HistoryEntry>, 'orderId'>;

export type OrderSearch = Pick<OrderFilter, 'status'> & {
  /** Days in UTC, `YYYY-MM-DD`, both included. */
  readonly startDate?: string | undefined;
  readonly endDate?: string | undefined;
  readonly limit: number;
  readonly offset: number;
};

/** From the primary: who has just written must see it, however far the replica is behind. */
export async function getOrder(db: Database, id: number, scope: Scope): Promise<ShownOrder | undefined> {
  return await findOrder(db.primary, id, scope);
}

/** From the primary, for the same reason. */
export async function getTimeline(db: Database, id: number, scope: Scope): Promise<TimelineEntry[] | undefined> {
  const order = await findOrder(db.primary, id, scope);
  return order && (await historyOf(db.primary, id));
}

/** From the primary, for the same reason. Orders that are not in scope have no entry. */
export async function getTimelines(
  db: Database,
  ids: readonly number[],
  scope: Scope,
): Promise<Map<number, TimelineEntry[]>> {
  const visible = await idsInScope(db.primary, ids, scope);
  const timelines = new Map<number, TimelineEntry[]>(visible.map((id) => [id, []]));
  for (const entry of await historiesOf(db.primary, visible)) timelines.get(entry.orderId)?.push(entry);
  return timelines;
}

/** From the replica: a list may lag. */
export async function getOrders(
  db: Database,
  { status, startDate, endDate, ...window }: OrderSearch,
  scope: Scope,
): Promise<{ orders: ShownOrder[]; total: number }> {
  const filter = {
    ...scope,
    status,
    from: startDate === undefined ? undefined : new Date(startDate),
    before: endDate === undefined ? undefined : new Date(Date.parse(endDate) + DAY_MS),
  };
  const [orders, total] = await Promise.all([listOrders(db.replica, filter, window), countOrders(db.replica, filter)]);
  return { orders, total };
}
