/**
 * Who writes each message, who reads it, and what it is for: what the schemas alone do not tell. The tables are typed by the
 * messages, so that one without a line here does not compile, and `test/contracts` compares them with what the services
 * really subscribe to and consume.
 */
import type { EventType } from './events/index.ts';
import type { MailJobType } from './mail-jobs.ts';
import type { OrderTimerType } from './messages.ts';
import type { Topic } from './topics.ts';

export const SERVICES = ['auth', 'product', 'order', 'payment', 'mail'] as const;
export type ServiceName = (typeof SERVICES)[number];

type TopicFlow = { readonly publisher: ServiceName; readonly summary: string };

/** A topic has one writer: the service that decides what happens to its aggregate. */
export const topicFlows = {
  user: { publisher: 'auth', summary: 'What became of accounts' },
  product: { publisher: 'product', summary: 'The catalog, as the whole state of a product after each change' },
  order: { publisher: 'order', summary: "An order's life" },
  stock: { publisher: 'product', summary: "What was decided about an order's pieces" },
  payment: { publisher: 'payment', summary: "What became of an order's money" },
} as const satisfies Record<Topic, TopicFlow>;

/** Kafka consumer groups without the deployment's prefix, and the service that each belongs to. */
export const consumerGroups = {
  product: 'product',
  'product-search': 'product',
  'order-product': 'order',
  'order-stock': 'order',
  'order-payment': 'order',
  'payment-order': 'payment',
} as const satisfies Record<string, ServiceName>;
export type ConsumerGroup = keyof typeof consumerGroups;

type EventFlow = { readonly summary: string; readonly groups: readonly ConsumerGroup[] };

export const eventFlows: Readonly<Record<EventType, EventFlow>> = {
  'user.created': { summary: 'Somebody registered', groups: [] },
  'user.verified': { summary: 'The address was proved with a code', groups: [] },
  'user.updated': { summary: 'An account was deactivated or activated again', groups: [] },
  'user.deleted': { summary: 'An account was deleted and its address is free', groups: [] },
  'product.created': { summary: 'A product came into the catalog', groups: ['order-product', 'product-search'] },
  'product.updated': {
    summary: 'A product, or what is in stock of it, changed',
    groups: ['order-product', 'product-search'],
  },
  'product.deleted': { summary: 'A product left the catalog', groups: ['order-product', 'product-search'] },
  'order.created': { summary: 'An order was placed: reserve its pieces', groups: ['product', 'payment-order'] },
  'order.paid': { summary: 'The order is paid for', groups: ['payment-order'] },
  'order.completed': { summary: 'The order is over: its pieces are sold', groups: ['product', 'payment-order'] },
  'order.cancelled': {
    summary: 'The order is off: its pieces and its money go back',
    groups: ['product', 'payment-order'],
  },
  'order.refunded': { summary: 'A paid order is given its money back', groups: ['product', 'payment-order'] },
  'order.status_changed': { summary: 'The order took a step of its fulfilment', groups: [] },
  'payment.success': { summary: 'The money was captured', groups: ['order-payment'] },
  'payment.failed': { summary: 'The provider took no money', groups: ['order-payment'] },
  'payment.refunded': { summary: 'The money went back', groups: ['order-payment'] },
  'stock.reserved': { summary: 'All pieces of an order are held for it', groups: ['order-stock', 'product-search'] },
  'stock.rejected': { summary: 'Pieces are missing, so none is held', groups: ['order-stock'] },
  'stock.released': {
    summary: 'The pieces of an order can be ordered again',
    groups: ['order-stock', 'product-search'],
  },
};

type JobFlow = { readonly publisher: ServiceName; readonly summary: string };

export const mailJobFlows: Readonly<Record<MailJobType, JobFlow>> = {
  'mail.verification': { publisher: 'auth', summary: 'The code that proves an address' },
  'mail.order-confirmation': { publisher: 'order', summary: 'The order is reserved and awaits its payment' },
  'mail.payment-reminder': { publisher: 'order', summary: 'The time to pay runs out' },
  'mail.order-paid': { publisher: 'order', summary: 'Thanks for the payment' },
  'mail.order-cancelled': { publisher: 'order', summary: 'The order is off, and why' },
  'mail.order-confirmed': { publisher: 'order', summary: 'The order is being prepared' },
  'mail.order-shipped': { publisher: 'order', summary: 'The order is on its way' },
  'mail.order-delivered': { publisher: 'order', summary: 'The order has arrived' },
  'mail.refund': { publisher: 'order', summary: 'The money is on its way back' },
};

export const orderTimerFlows: Readonly<Record<OrderTimerType, JobFlow>> = {
  'order.reminder': { publisher: 'order', summary: 'Orders may have a reminder due' },
  'order.expiry': { publisher: 'order', summary: 'The time to pay of orders may be over' },
};

export const RECEIPT_SUMMARY = 'The receiver has finished with these messages: their rows may go';
