import { setTimeout as delay } from 'node:timers/promises';
import { orderNotPayable, PaymentRefused } from './errors.ts';

const RESERVATION_WAIT_MS = 2_000;
const RESERVATION_POLL_MS = 100;

/** What a payment needs to know of an order. */
export type OrderFacts = {
  readonly status: 'PENDING' | 'PAID' | 'COMPLETED' | 'CANCELLED' | 'REFUNDED';
  readonly stock: 'pending' | 'reserved' | 'rejected';
  readonly amountMinor: number;
  readonly currency: string;
  readonly expiresAt: Date;
};

/** The order service, which decides about orders. Its refusals are thrown as they came; 503 when it does not answer. */
export type OrderDesk = {
  /** Somebody else's order is not found. */
  order(orderId: number, authorization: string): Promise<OrderFacts>;
  /** Has the order decide that it is refunded. True also when it had been decided before. */
  refund(orderId: number, authorization: string): Promise<void>;
};

/**
 * The facts of an order that may be paid now: PENDING, its stock reserved, its time not over. Waits a while for the reservation.
 * Throws PaymentRefused when it may not, and what the order service answered.
 */
export async function payableOrder(desk: OrderDesk, orderId: number, authorization: string): Promise<OrderFacts> {
  const deadlineMs = performance.now() + RESERVATION_WAIT_MS;
  for (;;) {
    const order = await desk.order(orderId, authorization);
    if (order.status !== 'PENDING') throw orderNotPayable(order.status);
    if (order.expiresAt.getTime() <= Date.now()) throw orderOverdue(order);
    if (order.stock === 'reserved') return order;
    if (performance.now() >= deadlineMs) throw stockPending();
    await delay(RESERVATION_POLL_MS);
  }
}

function orderOverdue({ expiresAt }: OrderFacts): PaymentRefused {
  return new PaymentRefused('ILLEGAL_TRANSITION', 'The time to pay for this order is over.', {
    details: { current: 'PENDING', requested: 'PAID', expires_at: expiresAt.toISOString() },
  });
}

function stockPending(): PaymentRefused {
  return new PaymentRefused('STOCK_PENDING', 'The stock of this order is not yet reserved. Try again shortly.', {
    details: { stock: 'pending' },
    retryable: true,
  });
}
