import { z } from 'zod';
import { id, instant } from '../primitives.ts';

/**
 * The whole state of a product after the change (event-carried state transfer): a consumer keeps the row with the
 * highest `version` and needs no earlier event. `available` counts what can still be ordered; it changes far more
 * often than the catalog entry and so has a version of its own, `stock_version`.
 */
export const productState = z.object({
  product_id: id,
  version: z.int().positive(),
  name: z.string(),
  description: z.string(),
  price_minor: z.int().nonnegative(),
  currency: z.string(),
  available: z.int().nonnegative(),
  stock_version: z.int().nonnegative(),
  changed_at: instant,
});
export type ProductState = z.infer<typeof productState>;

export const productDeleted = z.object({ product_id: id, version: z.int().positive(), deleted_at: instant });
export type ProductDeleted = z.infer<typeof productDeleted>;
