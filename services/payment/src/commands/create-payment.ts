import type { Database } from '@punctual/postgres';
import { isExpired, isLuhn } from '../domain/card.ts';
import type { Payment } from '../domain/payment.ts';
import type { ProtectedProvider } from '../providers/protect.ts';
import { AmountRefused, type Card, CardRefused } from '../providers/provider.ts';
import { findOrder, lockOrder } from '../store/orders.ts';
import { findLivePayment, insertPayment } from '../store/payments.ts';
import type { Caller } from './caller.ts';
import { endOf } from './change-payment.ts';
import { invalidField, orderNotPayable, PaymentRefused } from './errors.ts';
import { type OrderDesk, type OrderFacts, payableOrder } from './order-desk.ts';

export type CreatePaymentInput = { readonly orderId: number; readonly card: Card; readonly caller: Caller };
export type CreatePaymentOptions = { db: Database; orderDesk: OrderDesk; provider: ProtectedProvider };

/**
 * Makes the command that prepares the payment of an order: the order says how much, the provider turns the card into a token, and
 * only the token is kept. Throws PaymentRefused, ProviderUnavailable, and what the order service answered.
 */
export function createCreatePayment({ db, orderDesk, provider }: CreatePaymentOptions) {
  return async function createPayment({ orderId, card, caller }: CreatePaymentInput): Promise<Payment> {
    checkCard(card);
    const order = await payableOrder(orderDesk, orderId, caller.authorization);
    checkAmount(order);
    const userId = await ownerOf(orderId, caller);
    const live = await findLivePayment(db.primary, orderId);
    if (live !== undefined) throw paymentExists(live);
    const { token, last4 } = await tokenize(card);
    const { amountMinor, currency } = order;
    return await insert({ orderId, userId, amountMinor, currency, last4, providerToken: token });
  };

  function checkAmount({ amountMinor, currency }: OrderFacts): void {
    try {
      provider.assertTakes({ amountMinor, currency });
    } catch (error) {
      if (!(error instanceof AmountRefused)) throw error;
      throw invalidField('order_id', `its total cannot be charged: ${error.message}`);
    }
  }

  async function tokenize(card: Card): ReturnType<ProtectedProvider['tokenize']> {
    try {
      return await provider.tokenize(card);
    } catch (error) {
      if (error instanceof CardRefused) throw invalidField('method.number', 'is refused by the payment provider');
      throw error;
    }
  }

  async function insert(payment: Omit<Parameters<typeof insertPayment>[1], 'provider'>): Promise<Payment> {
    const created = await db.transaction(async (tx) => {
      const { status } = await lockOrder(tx, payment.orderId);
      if (status !== null && endOf(status) !== undefined) throw orderNotPayable(status);
      return await insertPayment(tx, { ...payment, provider: provider.name });
    });
    if (created !== undefined) return created;
    const live = await findLivePayment(db.primary, payment.orderId);
    throw paymentExists(live);
  }

  /** A customer was shown the order, so it is theirs. An administrator sees all: whose it is came with order.created. */
  async function ownerOf(orderId: number, { userId, role }: Caller): Promise<number> {
    if (role === 'customer') return userId;
    const known = await findOrder(db.primary, orderId);
    if (known?.userId == null) {
      throw new PaymentRefused('UNAVAILABLE', 'The order is not known here yet. Try again shortly.', {
        details: { dependency: 'order' },
        retryable: true,
      });
    }
    return known.userId;
  }
}

function checkCard({ number, expMonth, expYear }: Card): void {
  if (!isLuhn(number)) throw invalidField('method.number', 'is not a card number');
  if (isExpired({ month: expMonth, year: expYear }, new Date())) {
    throw invalidField('method.exp_year', 'the card has expired');
  }
}

function paymentExists(live: Payment | undefined): PaymentRefused {
  return new PaymentRefused('PAYMENT_EXISTS', 'This order has a payment already.', {
    details: live === undefined ? null : { payment_id: live.id, status: live.status },
  });
}
