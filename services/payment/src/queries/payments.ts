import type { paymentApi } from '@punctual/contracts';
import type { Database } from '@punctual/postgres';
import { countPayments, findLatestOfOrder, findPayment, listPayments, type Scope } from '../store/payments.ts';
import { paymentView } from './payment-view.ts';

export type ListQuery = {
  readonly status?: paymentApi.PaymentView['status'] | undefined;
  readonly page: number;
  readonly limit: number;
};

/** From the primary: who has just paid must see it, however far the replica is behind. */
export async function getPayment(db: Database, id: number, scope: Scope): Promise<paymentApi.PaymentView | undefined> {
  const payment = await findPayment(db.primary, id, scope);
  return payment && paymentView(payment);
}

/** From the primary, for the same reason. */
export async function getPaymentOfOrder(
  db: Database,
  orderId: number,
  scope: Scope,
): Promise<paymentApi.PaymentView | undefined> {
  const payment = await findLatestOfOrder(db.primary, orderId, scope);
  return payment && paymentView(payment);
}

/** From the replica: a list may lag. */
export async function getPayments(
  db: Database,
  query: ListQuery,
  scope: Scope,
): Promise<{ payments: paymentApi.PaymentView[]; totalItems: number }> {
  const filter = { ...scope, status: query.status };
  const page = { limit: query.limit, offset: (query.page - 1) * query.limit };
  const [payments, totalItems] = await Promise.all([
    listPayments(db.replica, filter, page),
    countPayments(db.replica, filter),
  ]);
  return { payments: payments.map(paymentView), totalItems };
}
