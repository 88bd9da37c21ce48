import { z } from 'zod';
import { id, instant } from '../primitives.ts';

/** What can still be ordered of a product after the change; the highest `stock_version` wins. */
export const stockLevel = z.object({
  product_id: id,
  available: z.int().nonnegative(),
  stock_version: z.int().nonnegative(),
});
export type StockLevel = z.infer<typeof stockLevel>;

export const stockReserved = z.object({ order_id: id, levels: z.array(stockLevel), reserved_at: instant });
export type StockReserved = z.infer<typeof stockReserved>;

/** `missing` lists what could not be had: an order is reserved as a whole or not at all. */
export const stockRejected = z.object({
  order_id: id,
  missing: z.array(z.object({ product_id: id, requested: z.int().positive(), available: z.int().nonnegative() })),
  levels: z.array(stockLevel),
  rejected_at: instant,
});
export type StockRejected = z.infer<typeof stockRejected>;

export const stockReleased = z.object({
  order_id: id,
  levels: z.array(stockLevel),
  cause: z.enum(['order.cancelled', 'order.refunded']),
  released_at: instant,
});
export type StockReleased = z.infer<typeof stockReleased>;
