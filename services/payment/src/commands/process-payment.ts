import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '@punctual/postgres';
import { begin, IllegalTransition, letGo, type Outcome, type Payment } from '../domain/payment.ts';
import { assertOwn, type ProtectedProvider } from '../providers/protect.ts';
import { type CaptureRequest, OutcomeUnknown, ProviderUnavailable } from '../providers/provider.ts';
import { findPayment } from '../store/payments.ts';
import { type Caller, scopeOf } from './caller.ts';
import { changePayment, type ReachPoint } from './change-payment.ts';
import { orderNotPayable, paymentNotFound } from './errors.ts';
import { type OrderDesk, payableOrder } from './order-desk.ts';
import type { PaymentCounters } from './payment-counters.ts';
import type { SettlePayment } from './settle-payment.ts';

const POLL_MS = 50;

export type ProcessPaymentOptions = {
  db: Database;
  orderDesk: OrderDesk;
  provider: ProtectedProvider;
  settlePayment: SettlePayment;
  counters: PaymentCounters;
  reachPoint: ReachPoint;
  /** How long a capture may be without an outcome before the provider is asked about it. */
  reconcileAfterMs: number;
  /** How long a second caller waits for the first one's outcome. */
  waitMs: number;
};

export type ProcessPayment = ReturnType<typeof createProcessPayment>;

/**
 * Makes the command that takes the money.
 *
 *   claim: pending ─▶ processing, committed ── capture, outside any transaction ── settle: state and event in one transaction
 *
 * One caller claims; others wait for its outcome, and get the payment as it is when that takes too long. An outcome that is
 * not known stays `processing` for the follow-up to find out. Throws PaymentRefused, IllegalTransition, ProviderUnavailable.
 */
export function createProcessPayment(options: ProcessPaymentOptions) {
  const { db, orderDesk, provider, settlePayment, counters, reachPoint, reconcileAfterMs, waitMs } = options;
  const watches = new Map<number, Promise<Payment>>();

  async function find(id: number, caller: Caller): Promise<Payment> {
    const payment = await findPayment(db.primary, id, scopeOf(caller));
    if (payment === undefined) throw paymentNotFound(id);
    return payment;
  }

  async function watch(id: number): Promise<Payment> {
    const deadlineMs = performance.now() + waitMs;
    for (;;) {
      const current = await findPayment(db.primary, id, { userId: 'any' });
      if (current === undefined) throw paymentNotFound(id);
      if (current.status !== 'processing' || performance.now() >= deadlineMs) return current;
      await delay(POLL_MS);
    }
  }

  /** All that wait for one payment in this process share one watch. */
  async function waitForOutcome(id: number): Promise<Payment> {
    const watching = watches.get(id) ?? watch(id).finally(() => watches.delete(id));
    watches.set(id, watching);
    const current = await watching;
    if (current.status === 'pending') throw new ProviderUnavailable('the provider was not reached');
    return current;
  }

  /** The payment under way, claimed by this call alone; undefined when somebody else was first. */
  async function claim(payment: Payment): Promise<Payment | undefined> {
    let isMine = false;
    const claimed = await changePayment(db, payment, ({ payment: current, backFor, orderStatus, at }) => {
      isMine = false;
      if (current.status !== 'pending') return undefined;
      if (backFor !== undefined) throw orderNotPayable(orderStatus ?? '');
      isMine = true;
      return begin(current, { at, checkAt: new Date(at.getTime() + reconcileAfterMs) });
    });
    return isMine ? claimed : undefined;
  }

  async function capture(payment: Payment): Promise<Outcome | undefined> {
    try {
      await reachPoint('before-capture');
      const outcome = await provider.capture(captureRequest(payment));
      await reachPoint('after-capture');
      return outcome;
    } catch (error) {
      if (error instanceof OutcomeUnknown) return undefined;
      if (error instanceof ProviderUnavailable) {
        await changePayment(db, payment, ({ payment: current, at }) => letGo(current, at));
      }
      throw error;
    }
  }

  async function take(payment: Payment): Promise<Payment> {
    const outcome = await capture(payment);
    if (outcome === undefined) {
      counters.payments.inc({ outcome: 'unknown' });
      return payment;
    }
    return await settlePayment(payment, outcome);
  }

  return async function processPayment({ id, caller }: { id: number; caller: Caller }): Promise<Payment> {
    const payment = await find(id, caller);
    switch (payment.status) {
      case 'succeeded':
        return payment;
      case 'failed':
      case 'refunded':
        throw new IllegalTransition(payment.status, 'succeeded');
      case 'processing':
        return await waitForOutcome(id);
      case 'pending': {
        await payableOrder(orderDesk, payment.orderId, caller.authorization);
        assertOwn(provider, payment);
        // Asked before the claim, so that a payment does not go through `processing` for nothing.
        if (provider.retryAfterSeconds() > 0) throw new ProviderUnavailable('the breaker is open');
        const claimed = await claim(payment);
        return claimed === undefined ? await waitForOutcome(id) : await take(claimed);
      }
      default:
        return payment.status satisfies never;
    }
  };
}

export function captureRequest(payment: Payment): CaptureRequest {
  return {
    token: payment.providerToken,
    amountMinor: payment.amountMinor,
    currency: payment.currency,
    idempotencyKey: payment.idempotencyKey,
    reference: `payment:${payment.id}`,
  };
}
