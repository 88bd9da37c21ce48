import { execute, one, type Queryable, rows, type Transaction } from '@punctual/postgres';
import type { Fulfillment, Order, OrderItem, OrderReason, OrderStatus, StockState } from '../domain/order.ts';

export type { Order } from '../domain/order.ts';

/** Whose orders a caller may see: one user's, or everybody's. */
export type Scope = { readonly userId: number | 'any' };

/** An order under a row lock, and the transaction's time by the database's clock, which all deadlines go by. */
export type LockedOrder = { readonly order: Order; readonly at: Date };

export type OrderFilter = Scope & {
  readonly status?: OrderStatus | undefined;
  /** Inclusive. */
  readonly from?: Date | undefined;
  /** Exclusive. */
  readonly before?: Date | undefined;
};

type OrderRow = {
  id: number;
  user_id: number;
  customer_email: string;
  request_id: string;
  status: OrderStatus;
  reason: OrderReason | null;
  stock: StockState;
  fulfillment: Fulfillment;
  description: string;
  shipping_address: string;
  notes: string;
  total_minor: number;
  currency: string;
  created_at: Date;
  updated_at: Date;
  expires_at: Date;
  paid_at: Date | null;
  payment_id: number | null;
  items: OrderItem[] | null;
};

const COLUMNS = `
  o.id, o.user_id, o.customer_email, o.request_id, o.status, o.reason, o.stock, o.fulfillment, o.description,
  o.shipping_address, o.notes, o.total_minor, o.currency, o.created_at, o.updated_at, o.expires_at, o.paid_at, o.payment_id,
  (SELECT json_agg(json_build_object('id', i.id, 'productId', i.product_id, 'name', i.name, 'quantity', i.quantity,
                                     'unitPriceMinor', i.unit_price_minor) ORDER BY i.id)
   FROM order_items i WHERE i.order_id = o.id) AS items`;
const IN_SCOPE = '(CAST(:userId AS bigint) IS NULL OR o.user_id = CAST(:userId AS bigint))';
const MATCHES = `${IN_SCOPE} AND (CAST(:status AS text) IS NULL OR o.status = CAST(:status AS text))
  AND (CAST(:from AS timestamptz) IS NULL OR o.created_at >= CAST(:from AS timestamptz))
  AND (CAST(:before AS timestamptz) IS NULL OR o.created_at < CAST(:before AS timestamptz))`;

/** Someone else's order is not found. */
export async function findOrder(db: Queryable, id: number, scope: Scope): Promise<Order | undefined> {
  const row = await one<OrderRow>(db, `SELECT ${COLUMNS} FROM orders o WHERE o.id = :id AND ${IN_SCOPE}`, {
    id,
    userId: userIdOf(scope),
  });
  return row && toOrder(row);
}

/** Those of the ids whose orders are in scope. */
export async function idsInScope(db: Queryable, ids: readonly number[], scope: Scope): Promise<number[]> {
  const found = await rows<{ id: number }>(
    db,
    `SELECT o.id FROM orders o WHERE o.id = ANY(CAST(:ids AS bigint[])) AND ${IN_SCOPE}`,
    { ids: [...ids], userId: userIdOf(scope) },
  );
  return found.map(({ id }) => id);
}

/** Newest first; the id decides between orders of one instant, so that pages do not overlap. */
export async function listOrders(
  db: Queryable,
  filter: OrderFilter,
  page: { limit: number; offset: number },
): Promise<Order[]> {
  const found = await rows<OrderRow>(
    db,
    `SELECT ${COLUMNS} FROM orders o WHERE ${MATCHES}
     ORDER BY o.created_at DESC, o.id DESC LIMIT :limit OFFSET :offset`,
    { ...filterBindings(filter), limit: page.limit, offset: page.offset },
  );
  return found.map(toOrder);
}

export async function countOrders(db: Queryable, filter: OrderFilter): Promise<number> {
  const row = await one<{ total: number }>(
    db,
    `SELECT count(*) AS total FROM orders o WHERE ${MATCHES}`,
    filterBindings(filter),
  );
  return row?.total ?? 0;
}

/** Locks one order, if it is in scope. */
export async function lockOrder(tx: Transaction, id: number, scope: Scope): Promise<LockedOrder | undefined> {
  const row = await one<OrderRow & { at: Date }>(
    tx,
    `SELECT ${COLUMNS}, date_trunc('milliseconds', now()) AS at FROM orders o
     WHERE o.id = :id AND ${IN_SCOPE} FOR UPDATE OF o`,
    { id, userId: userIdOf(scope) },
  );
  return row && { order: toOrder(row), at: row.at };
}

/** Locks orders by ascending id, so that two callers never wait for each other; `skipLocked` leaves out busy ones. */
export async function lockOrders(
  tx: Transaction,
  ids: readonly number[],
  { skipLocked = false }: { skipLocked?: boolean } = {},
): Promise<LockedOrder[]> {
  const found = await rows<OrderRow & { at: Date }>(
    tx,
    `SELECT ${COLUMNS}, date_trunc('milliseconds', now()) AS at FROM orders o
     WHERE o.id = ANY(CAST(:ids AS bigint[])) ORDER BY o.id FOR UPDATE OF o ${skipLocked ? 'SKIP LOCKED' : ''}`,
    { ids: [...ids] },
  );
  return found.map((row) => ({ order: toOrder(row), at: row.at }));
}

/** Writes what can change of an order. The caller holds the locks. */
export async function updateOrders(tx: Transaction, orders: readonly Order[]): Promise<void> {
  if (orders.length === 0) return;
  const changes = orders.map(({ id, status, reason, stock, fulfillment, updatedAt, paidAt, paymentId }) => ({
    id,
    status,
    reason,
    stock,
    fulfillment,
    updated_at: updatedAt,
    paid_at: paidAt,
    payment_id: paymentId,
  }));
  await execute(
    tx,
    `UPDATE orders o
     SET status = c.status, reason = c.reason, stock = c.stock, fulfillment = c.fulfillment, updated_at = c.updated_at,
         paid_at = c.paid_at, payment_id = c.payment_id
     FROM json_to_recordset(CAST(:changes AS json))
       AS c (id bigint, status text, reason text, stock text, fulfillment text, updated_at timestamptz,
             paid_at timestamptz, payment_id bigint)
     WHERE o.id = c.id`,
    { changes: JSON.stringify(changes) },
  );
}

function filterBindings(filter: OrderFilter) {
  return {
    userId: userIdOf(filter),
    status: filter.status ?? null,
    from: filter.from ?? null,
    before: filter.before ?? null,
  };
}

function userIdOf({ userId }: Scope): number | null {
  return userId === 'any' ? null : userId;
}

function toOrder(row: OrderRow): Order {
  return {
    id: row.id,
    userId: row.user_id,
    customerEmail: row.customer_email,
    requestId: row.request_id,
    status: row.status,
    reason: row.reason,
    stock: row.stock,
    fulfillment: row.fulfillment,
    description: row.description,
    shippingAddress: row.shipping_address,
    notes: row.notes,
    items: row.items ?? [],
    totalMinor: row.total_minor,
    currency: row.currency,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    expiresAt: row.expires_at,
    paidAt: row.paid_at,
    paymentId: row.payment_id,
  };
}
