import { type EventData, type EventType, events } from '@punctual/contracts';
import { addToOutbox, type OutboxMessage } from '@punctual/messaging';
import type { Database, Transaction } from '@punctual/postgres';
import type { Payment, RefundCause } from '../domain/payment.ts';
import { lockOrder, type OrderStatus } from '../store/orders.ts';
import { findLivePayment, lockPayment, savePayment } from '../store/payments.ts';

/** Where tests let a process die. Production code gives no hook. */
export type CrashPoint =
  | 'before-capture'
  | 'after-capture'
  | 'before-capture-commit'
  | 'after-capture-commit'
  | 'before-refund'
  | 'after-refund'
  | 'before-refund-commit'
  | 'after-refund-commit';
export type ReachPoint = (point: CrashPoint) => void | Promise<void>;

export type Locked = {
  readonly payment: Payment;
  /** Why money captured now goes back: its order has ended, or another payment has taken the place of one that failed. */
  readonly backFor: RefundCause | undefined;
  readonly orderStatus: OrderStatus | null;
  readonly at: Date;
};

/**
 * Changes one payment under the lock of its order, with the event that the change brings about, in one transaction. `decide` returns
 * undefined to leave the payment as it is. Returns the payment as it is then.
 */
export function changePayment(
  db: Database,
  { id, orderId }: Pick<Payment, 'id' | 'orderId'>,
  decide: (locked: Locked) => Payment | undefined,
  beforeCommit: () => void | Promise<void> = () => undefined,
): Promise<Payment> {
  return db.transaction(
    async (tx) => {
      const order = await lockOrder(tx, orderId);
      const payment = await lockPayment(tx, id);
      if (payment === undefined) throw new Error(`payment ${id} has gone`);
      const backFor = endOf(order.status) ?? (await supersession(tx, payment, order.status));
      const changed = decide({ payment, backFor, orderStatus: order.status, at: order.at });
      if (changed === undefined) return payment;
      await saveChange(tx, payment, changed);
      await beforeCommit();
      return changed;
    },
    { retries: 2 },
  );
}

/** Writes a change with its event. The caller holds the locks of the order and of the payment. */
export async function saveChange(
  tx: Transaction,
  before: Payment,
  after: Payment,
  traceparent?: string | undefined,
): Promise<void> {
  await savePayment(tx, after);
  const message = messageOf(before, after);
  if (message === undefined) return;
  await addToOutbox(tx, [traceparent === undefined ? message : { ...message, traceparent }]);
}

/** Why money of such an order goes back. */
export function endOf(status: OrderStatus | null): RefundCause | undefined {
  if (status === 'CANCELLED') return 'order.cancelled';
  if (status === 'REFUNDED') return 'order.refunded';
  return undefined;
}

/** A payment that failed can be taken up again as long as its order waits for money and no other payment is on its way. */
async function supersession(
  tx: Transaction,
  { status, orderId }: Payment,
  order: OrderStatus | null,
): Promise<RefundCause | undefined> {
  if (status !== 'failed') return undefined;
  const isPaid = order === 'PAID' || order === 'COMPLETED';
  return isPaid || (await findLivePayment(tx, orderId)) !== undefined ? 'payment.superseded' : undefined;
}

function messageOf(before: Payment, after: Payment): OutboxMessage | undefined {
  if (before.status === after.status) return undefined;
  const about = { payment_id: after.id, order_id: after.orderId, user_id: after.userId };
  const amount = { amount_minor: after.amountMinor, currency: after.currency };
  switch (after.status) {
    case 'succeeded':
      // It must not pay an order that still waits for the payment that has taken its place.
      if (after.refundCause === 'payment.superseded') return undefined;
      return message('payment.success', { ...about, ...amount, captured_at: known(after.capturedAt).toISOString() });
    case 'failed':
      return message('payment.failed', {
        ...about,
        code: known(after.failure),
        failed_at: after.updatedAt.toISOString(),
      });
    case 'refunded':
      return message('payment.refunded', {
        ...about,
        ...amount,
        cause: known(after.refundCause),
        refunded_at: known(after.refundedAt).toISOString(),
      });
    default:
      return undefined;
  }
}

function message<T extends EventType>(type: T, data: EventData<T> & { order_id: number }): OutboxMessage {
  return { transport: 'kafka', topic: events[type].topic, key: String(data.order_id), type, data };
}

function known<T>(value: T | null): T {
  if (value === null) throw new Error('a payment lacks what its state promises');
  return value;
}
