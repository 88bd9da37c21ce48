import type { orderApi } from '@punctual/contracts';
import type { Database } from '@punctual/postgres';
import { historyOf } from '../store/history.ts';
import { countOrders, findOrder, listOrders, type Scope } from '../store/orders.ts';
import { orderView } from './order-view.ts';

const DAY_MS = 86_400_000;

export type ListQuery = {
  readonly status?: orderApi.OrderView['status'] | undefined;
  /** Days in UTC, `YYYY-MM-DD`, both included. */
  readonly 'start-date'?: string | undefined;
  readonly 'end-date'?: string | undefined;
  readonly page: number;
  readonly limit: number;
};

/** From the primary: who has just written must see it, however far the replica is behind. */
export async function getOrder(db: Database, id: number, scope: Scope): Promise<orderApi.OrderView | undefined> {
  const order = await findOrder(db.primary, id, scope);
  return order && orderView(order);
}

/** From the primary, for the same reason. */
export async function getTimeline(
  db: Database,
  id: number,
  scope: Scope,
): Promise<orderApi.TimelineEntry[] | undefined> {
  const order = await findOrder(db.primary, id, scope);
  if (order === undefined) return undefined;
  const history = await historyOf(db.primary, id);
  return history.map(({ at, type, actor, from, to, reason, detail }) => ({
    at: at.toISOString(),
    type,
    actor,
    from,
    to,
    reason,
    detail,
  }));
}

/** From the replica: a list may lag. */
export async function getOrders(
  db: Database,
  query: ListQuery,
  scope: Scope,
): Promise<{ orders: orderApi.OrderView[]; totalItems: number }> {
  const start = query['start-date'];
  const end = query['end-date'];
  const filter = {
    ...scope,
    status: query.status,
    from: start === undefined ? undefined : new Date(start),
    before: end === undefined ? undefined : new Date(Date.parse(end) + DAY_MS),
  };
  const page = { limit: query.limit, offset: (query.page - 1) * query.limit };
  const [orders, totalItems] = await Promise.all([
    listOrders(db.replica, filter, page),
    countOrders(db.replica, filter),
  ]);
  return { orders: orders.map(orderView), totalItems };
}
