import { one, type Queryable, rows, type Transaction } from '@punctual/postgres';

export type OrderStatus = 'PENDING' | 'PAID' | 'COMPLETED' | 'CANCELLED' | 'REFUNDED';

/** What is known of an order here; null where nothing was heard yet. */
export type KnownOrder = {
  readonly orderId: number;
  readonly userId: number | null;
  readonly status: OrderStatus | null;
};

type OrderRow = { order_id: number; user_id: number | null; status: OrderStatus | null };

/** Locks the order's row, which is made when there is none: the lock that a capture and the end of its order share. */
export async function lockOrder(tx: Transaction, orderId: number): Promise<KnownOrder & { at: Date }> {
  const row = await one<OrderRow & { at: Date }>(
    tx,
    `INSERT INTO orders (order_id) VALUES (:orderId) ON CONFLICT (order_id) DO UPDATE SET order_id = excluded.order_id
     RETURNING order_id, user_id, status, date_trunc('milliseconds', clock_timestamp()) AS at`,
    { orderId },
  );
  if (row === undefined) throw new Error('an upsert returned no row');
  return { orderId: row.order_id, userId: row.user_id, status: row.status, at: row.at };
}

export async function findOrder(db: Queryable, orderId: number): Promise<KnownOrder | undefined> {
  const row = await one<OrderRow>(db, 'SELECT order_id, user_id, status FROM orders WHERE order_id = :orderId', {
    orderId,
  });
  return row && { orderId: row.order_id, userId: row.user_id, status: row.status };
}

/** Writes what orders have become and locks their rows, by ascending id. What has ended stays as it ended. */
export async function recordOrders(
  tx: Transaction,
  orders: readonly { orderId: number; userId: number; status: OrderStatus }[],
): Promise<{ orderId: number; status: OrderStatus; at: Date }[]> {
  const found = await rows<{ order_id: number; status: OrderStatus; at: Date }>(
    tx,
    `INSERT INTO orders (order_id, user_id, status)
     SELECT order_id, user_id, status
     FROM unnest(CAST(:orderIds AS bigint[]), CAST(:userIds AS bigint[]), CAST(:statuses AS text[])) AS o (order_id, user_id, status)
     ORDER BY order_id
     ON CONFLICT (order_id) DO UPDATE SET user_id = excluded.user_id,
       status = CASE WHEN orders.status IN ('CANCELLED', 'REFUNDED', 'COMPLETED') THEN orders.status ELSE excluded.status END
     RETURNING order_id, status, date_trunc('milliseconds', clock_timestamp()) AS at`,
    {
      orderIds: orders.map(({ orderId }) => orderId),
      userIds: orders.map(({ userId }) => userId),
      statuses: orders.map(({ status }) => status),
    },
  );
  return found.map((row) => ({ orderId: row.order_id, status: row.status, at: row.at }));
}
