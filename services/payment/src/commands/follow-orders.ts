import type { OrderCancelled, OrderCompleted, OrderCreated, OrderPaid, OrderRefunded } from '@punctual/contracts';
import type { Transaction } from '@punctual/postgres';
import { wantRefund } from '../domain/payment.ts';
import { type OrderStatus, recordOrders } from '../store/orders.ts';
import { lockLivePayments } from '../store/payments.ts';
import { endOf, saveChange } from './change-payment.ts';

/** What an order became. */
export type OrderNews = { readonly traceparent?: string | undefined } & (
  | { readonly type: 'order.created'; readonly data: OrderCreated }
  | { readonly type: 'order.paid'; readonly data: OrderPaid }
  | { readonly type: 'order.completed'; readonly data: OrderCompleted }
  | { readonly type: 'order.cancelled'; readonly data: OrderCancelled }
  | { readonly type: 'order.refunded'; readonly data: OrderRefunded }
);

const STATUS_BY_TYPE: Readonly<Record<OrderNews['type'], OrderStatus>> = {
  'order.created': 'PENDING',
  'order.paid': 'PAID',
  'order.completed': 'COMPLETED',
  'order.cancelled': 'CANCELLED',
  'order.refunded': 'REFUNDED',
};

/**
 * Remembers what orders became; money that was captured for one that has ended is wanted back. A capture that is still under way
 * finds the end of its order when it is settled. The caller owns the transaction.
 */
export async function followOrders(tx: Transaction, news: readonly OrderNews[]): Promise<void> {
  if (news.length === 0) return;
  const latest = new Map(news.map(({ type, data }) => [data.order_id, { type, data }]));
  const recorded = await recordOrders(
    tx,
    [...latest.values()].map(({ type, data }) => ({
      orderId: data.order_id,
      userId: data.user_id,
      status: STATUS_BY_TYPE[type],
    })),
  );
  const ended = new Map(recorded.filter(({ status }) => endOf(status)).map((order) => [order.orderId, order]));
  if (ended.size === 0) return;
  for (const payment of await lockLivePayments(tx, [...ended.keys()])) {
    const order = ended.get(payment.orderId);
    const cause = endOf(order?.status ?? null);
    if (order === undefined || cause === undefined) continue;
    const wanted = wantRefund(payment, cause, order.at);
    if (wanted !== undefined) await saveChange(tx, payment, wanted);
  }
}
