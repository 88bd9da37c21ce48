import type { Database } from '@punctual/postgres';
import { assertRefundable, giveBack, IllegalTransition, type Payment, wantRefund } from '../domain/payment.ts';
import { assertOwn, type ProtectedProvider } from '../providers/protect.ts';
import { findPayment } from '../store/payments.ts';
import type { Caller } from './caller.ts';
import { changePayment, type ReachPoint } from './change-payment.ts';
import { invalidField, paymentNotFound } from './errors.ts';
import type { OrderDesk } from './order-desk.ts';
import type { PaymentCounters } from './payment-counters.ts';

export type CarryOutRefundOptions = {
  db: Database;
  provider: ProtectedProvider;
  counters: PaymentCounters;
  wakeRelay(): void;
  reachPoint: ReachPoint;
};

export type CarryOutRefund = ReturnType<typeof createCarryOutRefund>;

/**
 * Makes the command that gives back money that is wanted back. Two at a time, or one after a crash, do no harm: the provider refunds
 * a key once, and the state is written once. Throws ProviderUnavailable and OutcomeUnknown; the follow-up tries again.
 */
export function createCarryOutRefund({ db, provider, counters, wakeRelay, reachPoint }: CarryOutRefundOptions) {
  return async function carryOutRefund(payment: Payment): Promise<Payment> {
    const { providerReference, amountMinor, currency } = payment;
    if (payment.status !== 'succeeded' || providerReference === null || payment.refundWantedAt === null) return payment;
    assertOwn(provider, payment);
    await reachPoint('before-refund');
    const refund = { providerReference, amountMinor, currency, idempotencyKey: `refund:${payment.id}` };
    const { refundedAt } = await provider.refund(refund);
    await reachPoint('after-refund');
    let isNew = false;
    const refunded = await changePayment(
      db,
      payment,
      ({ payment: current, at }) => {
        const changed = giveBack(current, refundedAt, at);
        isNew = changed !== undefined;
        return changed;
      },
      () => reachPoint('before-refund-commit'),
    );
    if (!isNew) return refunded;
    await reachPoint('after-refund-commit');
    counters.refunds.inc({ cause: refunded.refundCause ?? '' });
    wakeRelay();
    return refunded;
  };
}

export type RefundPaymentOptions = { db: Database; orderDesk: OrderDesk; carryOutRefund: CarryOutRefund };
export type RefundPaymentInput = {
  readonly id: number;
  /** The whole amount when stated. */
  readonly amountMinor: number | undefined;
  readonly caller: Caller;
};

/**
 * Makes the command behind an administrator's refund: the order decides, then the money follows at once. When this dies in
 * between, order.refunded and the follow-up carry it out. Throws PaymentRefused, IllegalTransition, what the order service answered,
 * ProviderUnavailable and OutcomeUnknown.
 */
export function createRefundPayment({ db, orderDesk, carryOutRefund }: RefundPaymentOptions) {
  return async function refundPayment({ id, amountMinor, caller }: RefundPaymentInput): Promise<Payment> {
    const payment = await findPayment(db.primary, id, { userId: 'any' });
    if (payment === undefined) throw paymentNotFound(id);
    if (amountMinor !== undefined && amountMinor !== payment.amountMinor) {
      throw invalidField('amount', 'must be the whole amount of the payment, or left out');
    }
    assertRefundable(payment);
    if (payment.refundWantedAt === null) await orderDesk.refund(payment.orderId, caller.authorization);
    const wanted = await changePayment(db, payment, ({ payment: current, at }) =>
      wantRefund(current, 'order.refunded', at),
    );
    if (wanted.status !== 'succeeded' && wanted.status !== 'refunded') {
      throw new IllegalTransition(wanted.status, 'refunded');
    }
    return await carryOutRefund(wanted);
  };
}
