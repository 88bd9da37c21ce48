import { setTimeout as delay } from 'node:timers/promises';
import type { PaymentFailure, paymentApi } from '@punctual/contracts';
import type { Database } from '@punctual/postgres';
import {
  applyPayment,
  assertPayable,
  type Capture,
  IllegalTransition,
  type Order,
  PaymentOverdue,
  StockPending,
} from '../domain/order.ts';
import { findOrder, lockOrder } from '../store/orders.ts';
import { invalidField, OrderRefused, orderNotFound } from './errors.ts';
import type { FireDueTimers } from './fire-due-timers.ts';
import { type OrderCommandInput, scopeOf } from './order-command.ts';
import { saveDecisions } from './save-decisions.ts';

const RESERVATION_WAIT_MS = 2_000;
const RESERVATION_POLL_MS = 100;

/** The sandbox's card that is always approved. */
const TEST_CARD: paymentApi.CardMethod = {
  type: 'card',
  number: '4242424242424242',
  exp_month: 12,
  exp_year: 2_099,
  cvc: '123',
};

export type PayOrderInput = OrderCommandInput & {
  readonly method: paymentApi.CardMethod | undefined;
  /** The caller's own, with which the payment service is asked. */
  readonly authorization: string;
};

/** A payment as the payment service tells of it. */
export type PaymentFacts = {
  readonly id: number;
  readonly orderId: number;
  readonly amountMinor: number;
  readonly currency: string;
  readonly status: paymentApi.PaymentView['status'];
  readonly last4: string;
  readonly failure: PaymentFailure | null;
  readonly capturedAt: Date | null;
  readonly refundedAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
};

export type PaidOrder = { readonly order: Order; readonly payment: PaymentFacts };

/** The payment service: creates a payment of the order, or finds the one that is under way, and takes the money. */
export type PaymentDesk = {
  pay(request: PaymentRequest): Promise<PaymentFacts>;
};
export type PaymentRequest = Pick<PayOrderInput, 'orderId' | 'authorization'> & {
  readonly method: paymentApi.CardMethod;
};

export type PayOrderOptions = {
  db: Database;
  paymentDesk: PaymentDesk;
  /** Whether the sandbox's test card pays when no method is given. */
  paysWithTestCard: boolean;
  fireDueTimers: FireDueTimers;
  wakeRelay(): void;
};

/**
 * Makes the command that pays an order in one go: wait a while for its stock, have the payment service take the money, and
 * apply the capture at once; payment.success, which says the same a moment later, then finds it done. No network call is
 * inside a transaction. Throws IllegalTransition, StockPending, OrderRefused, and what the payment service refused.
 */
export function createPayOrder(options: PayOrderOptions) {
  const { db, paymentDesk, paysWithTestCard, fireDueTimers, wakeRelay } = options;

  async function checkPayable(input: OrderCommandInput): Promise<void> {
    await db.transaction(async (tx) => {
      const locked = await lockOrder(tx, input.orderId, scopeOf(input));
      if (locked === undefined) throw orderNotFound(input.orderId);
      assertPayable(locked.order, locked.at);
    });
  }

  async function waitForReservation(input: OrderCommandInput): Promise<void> {
    const deadlineMs = performance.now() + RESERVATION_WAIT_MS;
    while (performance.now() < deadlineMs) {
      const order = await findOrder(db.primary, input.orderId, scopeOf(input));
      if (order?.stock !== 'pending') return;
      await delay(RESERVATION_POLL_MS);
    }
  }

  async function becomePayable(input: OrderCommandInput): Promise<void> {
    try {
      await checkInTime(input);
    } catch (error) {
      if (!(error instanceof StockPending)) throw error;
      await waitForReservation(input);
      await checkInTime(input);
    }
  }

  /** An expiry that is due and has not fired yet does so now, and the order is refused for what it has become. */
  async function checkInTime(input: OrderCommandInput): Promise<void> {
    try {
      await checkPayable(input);
    } catch (error) {
      if (!(error instanceof PaymentOverdue)) throw error;
      await fireDueTimers([{ orderId: input.orderId }], { by: 'payment' });
      await checkPayable(input);
    }
  }

  /** The order as the capture left it, whether this call applied it or the event was faster. */
  async function applyCapture(input: OrderCommandInput, capture: Capture): Promise<Order> {
    const order = await db.transaction(
      async (tx) => {
        const locked = await lockOrder(tx, input.orderId, scopeOf(input));
        if (locked === undefined) throw orderNotFound(input.orderId);
        const change = applyPayment(locked.order, capture, locked.at);
        if (change === undefined) return locked.order;
        await saveDecisions(tx, { changes: [change], actor: 'payment' });
        return change.order;
      },
      { retries: 2 },
    );
    wakeRelay();
    if (order.paymentId === capture.paymentId) return order;
    // It ended while the money was on its way, and the payment service gives it back.
    throw new IllegalTransition(order, 'PAID');
  }

  return async function payOrder(input: PayOrderInput): Promise<PaidOrder> {
    const { orderId, authorization } = input;
    const method = input.method ?? (paysWithTestCard ? TEST_CARD : undefined);
    if (method === undefined) throw invalidField('method', 'is required');
    await becomePayable(input);
    const payment = await paymentDesk.pay({ orderId, method, authorization });
    const capture = captureOf(payment);
    return { order: await applyCapture(input, capture), payment };
  };
}

/** Throws OrderRefused when no money was taken, or when nobody knows yet. */
function captureOf({ id, status, failure, capturedAt }: PaymentFacts): Capture {
  if (status === 'failed') {
    throw new OrderRefused('PAYMENT_FAILED', 'The payment was not made. The order waits for another.', {
      details: { failure },
    });
  }
  if (capturedAt !== null) return { paymentId: id, capturedAt };
  throw new OrderRefused('UNAVAILABLE', 'What became of the payment is not known yet. Ask again shortly.', {
    details: { dependency: 'payment', payment_id: id },
    retryable: true,
  });
}
