import type { PaymentFailed, PaymentRefunded, PaymentSuccess } from '@punctual/contracts';
import type { OutboxMessage } from '@punctual/messaging';
import type { Transaction } from '@punctual/postgres';
import { applyPayment, type Change, type Order } from '../domain/order.ts';
import type { HistoryEntry } from '../store/history.ts';
import { lockOrders } from '../store/orders.ts';
import { refundMail } from './announce.ts';
import { saveDecisions } from './save-decisions.ts';

const ACTOR = 'payment';

/** What the payment service says of the money of an order. */
export type PaymentNews = { readonly traceparent?: string | undefined } & (
  | { readonly type: 'payment.success'; readonly data: PaymentSuccess }
  | { readonly type: 'payment.failed'; readonly data: PaymentFailed }
  | { readonly type: 'payment.refunded'; readonly data: PaymentRefunded }
);

/** Applies a batch of news, in their order, with a handful of statements. The caller owns the transaction. */
export async function applyPayments(tx: Transaction, news: readonly PaymentNews[]): Promise<void> {
  if (news.length === 0) return;
  const locked = await lockOrders(tx, [...new Set(news.map(({ data }) => data.order_id))]);
  const orders = new Map(locked.map((entry) => [entry.order.id, entry]));
  const changes: Change[] = [];
  const history: HistoryEntry[] = [];
  const messages: OutboxMessage[] = [];
  const traceparents = new Map<number, string>();
  for (const item of news) {
    const { type, data, traceparent } = item;
    const entry = orders.get(data.order_id);
    if (entry === undefined) continue;
    const { order, at } = entry;
    if (traceparent !== undefined) traceparents.set(order.id, traceparent);
    switch (type) {
      case 'payment.success': {
        const capture = { paymentId: data.payment_id, capturedAt: new Date(data.captured_at) };
        const change = applyPayment(order, capture, at);
        if (change === undefined) break;
        changes.push(change);
        orders.set(order.id, { ...entry, order: change.order });
        break;
      }
      case 'payment.failed':
        history.push(failureEntry(data, at));
        break;
      case 'payment.refunded': {
        const mails = refundMails(order, data);
        history.push(refundEntry(data, mails, at));
        messages.push(...mails.map((mail) => (traceparent === undefined ? mail : { ...mail, traceparent })));
        break;
      }
      default:
        item satisfies never;
    }
  }
  await saveDecisions(tx, { changes, actor: ACTOR, history, messages, traceparents });
}

/**
 * The order decided that the money goes back, or ended before it came, or was paid by another payment; anything else is no news
 * to a customer. An order gives back the money of one payment once, so the payment tells one mail from another.
 */
function refundMails(order: Order, refunded: PaymentRefunded): OutboxMessage[] {
  const isNews = order.status === 'REFUNDED' || order.status === 'CANCELLED' || order.paymentId !== refunded.payment_id;
  return isNews ? [refundMail(order, refunded)] : [];
}

function failureEntry({ order_id: orderId, payment_id, code, failed_at }: PaymentFailed, at: Date): HistoryEntry {
  return { orderId, at, type: 'payment.failed', actor: ACTOR, reason: code, detail: { payment_id, failed_at } };
}

function refundEntry(data: PaymentRefunded, mails: readonly OutboxMessage[], at: Date): HistoryEntry {
  const { order_id: orderId, payment_id, cause, refunded_at } = data;
  const told = mails.length > 0 ? { mails: mails.map(({ type }) => type) } : {};
  return { orderId, at, type: 'payment.refunded', actor: ACTOR, detail: { payment_id, cause, refunded_at, ...told } };
}
