import type { ShopState } from '../probe/shop-state.ts';

export type StockOfProduct = { available: number; reserved: number; sold: number; promised: number };

/** The product service's count of one product, beside what the orders that it reserved add up to. */
export async function stockOf(state: ShopState, productId: number): Promise<StockOfProduct> {
  const [stock] = await state.products<{ available: number; reserved: number; sold: number }>(
    'SELECT available::float8, reserved::float8, sold::float8 FROM stock WHERE product_id = $1',
    [productId],
  );
  const [orders] = await state.orders<{ promised: number }>(
    `SELECT coalesce(sum(i.quantity), 0)::float8 AS promised FROM order_items i JOIN orders o ON o.id = i.order_id
     WHERE i.product_id = $1 AND o.stock = 'reserved' AND o.status <> 'CANCELLED'`,
    [productId],
  );
  if (stock === undefined) throw new Error(`product ${productId} has no stock`);
  return { ...stock, promised: orders?.promised ?? 0 };
}

/** Pieces that were promised and that there never were. */
export function oversold({ available, promised }: StockOfProduct, pieces: number): number {
  return Math.max(0, promised - pieces, -available);
}

/** Requests that made more than one order. */
export async function duplicateOrders(state: ShopState): Promise<number> {
  const [row] = await state.orders<{ total: number }>(
    'SELECT count(*)::int AS total FROM (SELECT FROM orders GROUP BY user_id, request_id HAVING count(*) > 1) t',
  );
  return row?.total ?? 0;
}
