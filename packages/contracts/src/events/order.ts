import { z } from 'zod';
import { id, instant } from '../primitives.ts';

/** What ended or changed an order; stored with it and told to the customer. */
export const ORDER_REASONS = ['CUSTOMER_CANCELLED', 'PAYMENT_EXPIRED', 'OUT_OF_STOCK'] as const;
export const orderReason = z.enum(ORDER_REASONS);
export type OrderReason = z.infer<typeof orderReason>;

export const orderedItem = z.object({
  product_id: id,
  quantity: z.int().positive(),
  unit_price_minor: z.int().nonnegative(),
});

export const orderCreated = z.object({
  order_id: id,
  user_id: id,
  items: z.array(orderedItem).min(1),
  total_minor: z.int().nonnegative(),
  currency: z.string(),
  created_at: instant,
  expires_at: instant,
});
export type OrderCreated = z.infer<typeof orderCreated>;

export const orderPaid = z.object({
  order_id: id,
  user_id: id,
  total_minor: z.int().nonnegative(),
  currency: z.string(),
  paid_at: instant,
});
export type OrderPaid = z.infer<typeof orderPaid>;

export const orderCompleted = z.object({ order_id: id, user_id: id, completed_at: instant });
export type OrderCompleted = z.infer<typeof orderCompleted>;

export const orderCancelled = z.object({ order_id: id, user_id: id, reason: orderReason, cancelled_at: instant });
export type OrderCancelled = z.infer<typeof orderCancelled>;

export const orderRefunded = z.object({ order_id: id, user_id: id, refunded_at: instant });
export type OrderRefunded = z.infer<typeof orderRefunded>;

export const FULFILLMENTS = ['unfulfilled', 'confirmed', 'shipped', 'delivered'] as const;
export const fulfillment = z.enum(FULFILLMENTS);
export type Fulfillment = z.infer<typeof fulfillment>;

/** A step of the fulfilment; `delivered` completes the order, which order.completed tells as well. */
export const orderStatusChanged = z.object({
  order_id: id,
  user_id: id,
  from: fulfillment,
  to: fulfillment,
  changed_at: instant,
});
export type OrderStatusChanged = z.infer<typeof orderStatusChanged>;
