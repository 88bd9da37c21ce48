import { z } from 'zod';
import { orderReason } from './events/order.ts';
import { id, instant, moneyOutput } from './primitives.ts';

/**
 * `intent` names what the customer is to learn, once and for all (`order:17:1769851800000:order-paid`): two jobs with one intent are
 * one mail. A job is dropped, not sent, after `not_after`: what it says is no longer of use by then.
 */
const job = { intent: z.string().min(1).max(200), to: z.email(), not_after: instant.nullable() };

const mailedOrder = z.object({
  order_id: id,
  items: z.array(
    z.object({ name: z.string(), quantity: z.int().positive(), unit_price: moneyOutput, total_price: moneyOutput }),
  ),
  total_amount: moneyOutput,
  currency: z.string(),
  shipping_address: z.string(),
  created_at: instant,
  expires_at: instant,
});
export type MailedOrder = z.infer<typeof mailedOrder>;

/** Every mail job on the `notifications` exchange, by routing key. */
export const mailJobs = {
  'mail.verification': z.object({ ...job, code: z.string().regex(/^\d{6}$/), expires_at: instant }),
  'mail.order-confirmation': z.object({ ...job, order: mailedOrder }),
  'mail.payment-reminder': z.object({
    ...job,
    order: mailedOrder,
    reminder: z.object({ number: z.int().positive(), of: z.int().positive() }),
    /** What is left to pay in, in shop time, as text: "20 hours". */
    time_left: z.string(),
  }),
  'mail.order-paid': z.object({ ...job, order: mailedOrder, paid_at: instant }),
  'mail.order-cancelled': z.object({ ...job, order: mailedOrder, reason: orderReason, cancelled_at: instant }),
  'mail.order-confirmed': z.object({ ...job, order: mailedOrder, confirmed_at: instant }),
  'mail.order-shipped': z.object({ ...job, order: mailedOrder, shipped_at: instant }),
  'mail.order-delivered': z.object({ ...job, order: mailedOrder, delivered_at: instant }),
  'mail.refund': z.object({
    ...job,
    order: mailedOrder,
    /** Of two payments of one order the other one keeps its money, so that the order itself is not refunded. */
    is_second_payment: z.boolean().default(false),
    refunded_at: instant,
  }),
} as const;

export type MailJobType = keyof typeof mailJobs;
export type MailJob<T extends MailJobType> = z.infer<(typeof mailJobs)[T]>;

export function isMailJobType(type: string): type is MailJobType {
  return Object.hasOwn(mailJobs, type);
}

/** A mail job's data, checked. Throws ZodError. */
export function parseMailJob<T extends MailJobType>(type: T, data: unknown): MailJob<T> {
  return mailJobs[type].parse(data) as MailJob<T>;
}

/** Orders that one wake-up may name: those of a group commit, or of a batch of timers that fired. */
export const MAX_ORDERS_TO_WAKE = 200;

const wakeUp = z.object({ order_ids: z.array(id).min(1).max(MAX_ORDERS_TO_WAKE) });
/** What was written before orders shared a wake-up. Such a message waits in the broker for up to a day, across an upgrade. */
const wakeUpOfOneOrder = z.object({ order_id: id }).transform(({ order_id }) => ({ order_ids: [order_id] }));

/**
 * The wake-up call of the timers of orders that come due at one instant, on the delayed exchange `order.timers`. It says
 * whom to look at, not what to do.
 */
export const orderTimer = z.union([wakeUp, wakeUpOfOneOrder]);
export type OrderTimer = z.infer<typeof orderTimer>;
