import {
  type EventData,
  formatMoney,
  type MailedOrder,
  type MailJob,
  type MailJobType,
  type OrderTimer,
} from '@punctual/contracts';
import {
  NOTIFICATIONS,
  ORDER_EXPIRY_KEY,
  ORDER_REMINDER_KEY,
  ORDER_TIMERS,
  type OutboxMessage,
} from '@punctual/messaging';
import type { Change, FulfillmentStep, Order } from '../domain/order.ts';
import type { Timer } from '../domain/timers.ts';

/** Mail jobs about an order; `name` tells one from the others, once and for all. */
type OrderMailType = Exclude<MailJobType, 'mail.verification'>;

/** What the rest of the shop is told of a change: the event, the mail, and the wake-up that it makes necessary. */
export function messagesOf(change: Change): OutboxMessage[] {
  const { order, fact, at } = change;
  const about = { order_id: order.id, user_id: order.userId };
  switch (fact.type) {
    case 'stock.reserved':
      // The confirmation asks for the payment, which is pointless once the time to pay is over.
      return [mail('mail.order-confirmation', order, { not_after: order.expiresAt.toISOString() })];
    case 'order.paid':
      return [
        event('order.paid', order, {
          ...about,
          total_minor: order.totalMinor,
          currency: order.currency,
          paid_at: paidAtOf(change).toISOString(),
        }),
        mail('mail.order-paid', order, { not_after: null, paid_at: paidAtOf(change).toISOString() }),
        // Its reminders are off, so nothing else would wake the order in time to complete it.
        ...wakeUps([{ orderId: order.id, kind: 'expiry', dueAt: order.expiresAt }]),
      ];
    case 'order.completed':
      return [event('order.completed', order, { ...about, completed_at: at.toISOString() })];
    case 'order.refunded':
      // The customer is told when the money is on its way, which payment.refunded says.
      return [event('order.refunded', order, { ...about, refunded_at: at.toISOString() })];
    case 'order.status_changed': {
      const { from, to } = fact;
      return [
        event('order.status_changed', order, { ...about, from, to, changed_at: at.toISOString() }),
        fulfillmentMail(order, to, at.toISOString()),
      ];
    }
    case 'order.cancelled':
      return [
        event('order.cancelled', order, { ...about, reason: fact.reason, cancelled_at: at.toISOString() }),
        mail('mail.order-cancelled', order, { not_after: null, reason: fact.reason, cancelled_at: at.toISOString() }),
      ];
    default:
      return fact satisfies never;
  }
}

/** One for each payment whose money went back. */
export function refundMail(
  order: Order,
  { payment_id: paymentId, cause, refunded_at: refundedAt }: EventData<'payment.refunded'>,
): OutboxMessage {
  const details = { not_after: null, is_second_payment: cause === 'payment.superseded', refunded_at: refundedAt };
  return mail('mail.refund', order, details, `refund-${paymentId}`);
}

export type Reminder = {
  readonly number: number;
  readonly of: number;
  readonly timeLeft: string;
  readonly notAfter: Date;
};

export function reminderMail(order: Order, { number, of, timeLeft, notAfter }: Reminder): OutboxMessage {
  const details = { not_after: notAfter.toISOString(), reminder: { number, of }, time_left: timeLeft };
  return mail('mail.payment-reminder', order, details, `reminder-${number}`);
}

export type NextTimer = Timer & { readonly orderId: number };

/** Delayed messages that say no more than "look at these orders' timers then": one for all that come due together. */
export function wakeUps(timers: readonly NextTimer[]): OutboxMessage[] {
  const together = Map.groupBy(timers, ({ kind, dueAt }) => `${routingKeyOf(kind)} ${dueAt.getTime()}`);
  return [...together.values()].flatMap(([first, ...others]) => {
    if (first === undefined) return [];
    const key = routingKeyOf(first.kind);
    const data: OrderTimer = { order_ids: [first, ...others].map(({ orderId }) => orderId) };
    return {
      transport: 'rabbit',
      exchange: ORDER_TIMERS,
      routingKey: key,
      type: key,
      subject: String(first.orderId),
      dueAt: first.dueAt,
      data,
    };
  });
}

function routingKeyOf(kind: Timer['kind']): string {
  return kind === 'expiry' ? ORDER_EXPIRY_KEY : ORDER_REMINDER_KEY;
}

/** The money was captured before the order heard of it. */
function paidAtOf({ order, at }: Change): Date {
  return order.paidAt ?? at;
}

type OrderEventType = 'order.paid' | 'order.completed' | 'order.cancelled' | 'order.refunded' | 'order.status_changed';

function event<T extends OrderEventType>(type: T, order: Order, data: EventData<T>): OutboxMessage {
  return { transport: 'kafka', topic: 'order', key: String(order.id), type, data };
}

function fulfillmentMail(order: Order, step: FulfillmentStep, at: string): OutboxMessage {
  switch (step) {
    case 'confirmed':
      return mail('mail.order-confirmed', order, { not_after: null, confirmed_at: at });
    case 'shipped':
      return mail('mail.order-shipped', order, { not_after: null, shipped_at: at });
    case 'delivered':
      return mail('mail.order-delivered', order, { not_after: null, delivered_at: at });
    default:
      return step satisfies never;
  }
}

function mail<T extends OrderMailType>(
  type: T,
  order: Order,
  details: Omit<MailJob<T>, 'intent' | 'to' | 'order'>,
  name: string = type.slice('mail.'.length),
): OutboxMessage {
  // The instant tells this order from one that had its number before the database was set up anew.
  const intent = `order:${order.id}:${order.createdAt.getTime()}:${name}`;
  const data = { intent, to: order.customerEmail, order: mailedOrder(order), ...details };
  return {
    transport: 'rabbit',
    exchange: NOTIFICATIONS,
    routingKey: type,
    type,
    subject: String(order.id),
    data,
  };
}

function mailedOrder(order: Order): MailedOrder {
  return {
    order_id: order.id,
    items: order.items.map(({ name, quantity, unitPriceMinor }) => ({
      name,
      quantity,
      unit_price: formatMoney(unitPriceMinor),
      total_price: formatMoney(unitPriceMinor * quantity),
    })),
    total_amount: formatMoney(order.totalMinor),
    currency: order.currency,
    shipping_address: order.shippingAddress,
    created_at: order.createdAt.toISOString(),
    expires_at: order.expiresAt.toISOString(),
  };
}
