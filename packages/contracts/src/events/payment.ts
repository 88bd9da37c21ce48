import { z } from 'zod';
import { id, instant } from '../primitives.ts';

const about = { payment_id: id, order_id: id, user_id: id };
const amount = { amount_minor: z.int().nonnegative(), currency: z.string() };

/** The money was captured. Whether it buys anything is the order's decision. */
export const paymentSuccess = z.object({ ...about, ...amount, captured_at: instant });
export type PaymentSuccess = z.infer<typeof paymentSuccess>;

/** Why a provider took no money. */
export const PAYMENT_FAILURES = ['CARD_DECLINED', 'INSUFFICIENT_FUNDS', 'NOT_CAPTURED'] as const;
export const paymentFailure = z.enum(PAYMENT_FAILURES);
export type PaymentFailure = z.infer<typeof paymentFailure>;

export const paymentFailed = z.object({ ...about, code: paymentFailure, failed_at: instant });
export type PaymentFailed = z.infer<typeof paymentFailed>;

/**
 * The money went back: an admin's refund, an order that was cancelled while its payment was under way, or a capture that was
 * reported for a payment that had failed, when another one had taken its place.
 */
export const paymentRefunded = z.object({
  ...about,
  ...amount,
  cause: z.enum(['order.refunded', 'order.cancelled', 'payment.superseded']),
  refunded_at: instant,
});
export type PaymentRefunded = z.infer<typeof paymentRefunded>;
