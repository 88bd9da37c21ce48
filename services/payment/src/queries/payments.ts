import type { Database } from '@punctual/postgres';
import {
  countPayments,
  findLatestOfOrders,
  findPayment,
  listPayments,
  type Payment,
  type PaymentFilter,
  type Scope,
} from '../store/payments.ts';

export type { Payment } from '../store/payments.ts';

/** The most orders whose payments are asked for at once. */
export const MAX_ORDERS = 1_000;

export type PaymentSearch = Pick<PaymentFilter, 'status'> & { readonly limit: number; readonly offset: number };

/** From the primary: who has just paid must see it, however far the replica is behind. */
export async function getPayment(db: Database, id: number, scope: Scope): Promise<Payment | undefined> {
  return await findPayment(db.primary, id, scope);
}

/** The latest payment of each of at most MAX_ORDERS orders that has one, in no order; from the primary, for the same reason. */
export async function getPaymentsOfOrders(db: Database, orderIds: readonly number[], scope: Scope): Promise<Payment[]> {
  if (orderIds.length > MAX_ORDERS) throw new RangeError(`payments of more than ${MAX_ORDERS} orders at once`);
  return await findLatestOfOrders(db.primary, orderIds, scope);
}

/** From the replica: a list may lag. */
export async function getPayments(
  db: Database,
  { status, ...window }: PaymentSearch,
  scope: Scope,
): Promise<{ payments: Payment[]; total: number }> {
  const filter = { ...scope, status };
  const [payments, total] = await Promise.all([
    listPayments(db.replica, filter, window),
    countPayments(db.replica, filter),
  ]);
  return { payments, total };
}
