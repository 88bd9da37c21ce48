import { type EventData, events } from '@punctual/contracts';
import { Fulfillment, type Order, OrderStatus } from '@punctual/contracts/grpc/order';

/** Where an order stands, as a subscription tells it. */
export type OrderState = {
  readonly orderId: number;
  readonly status: OrderStatus;
  readonly fulfillment: Fulfillment;
  readonly reason: string | undefined;
  readonly at: Date;
};

/** What an event says of where its order stands. */
export type OrderNews = {
  readonly at: Date;
  readonly status: OrderStatus;
  readonly fulfillment?: Fulfillment | undefined;
  readonly reason?: string | undefined;
};

/** The events that change where an order stands; order.created is where each begins. */
export const stateSchemas = {
  'order.paid': events['order.paid'].data,
  'order.completed': events['order.completed'].data,
  'order.cancelled': events['order.cancelled'].data,
  'order.refunded': events['order.refunded'].data,
  'order.status_changed': events['order.status_changed'].data,
};
export type StateEvents = { [Type in keyof typeof stateSchemas]: EventData<Type> };

const FULFILLMENTS: Readonly<Record<EventData<'order.status_changed'>['to'], Fulfillment>> = {
  unfulfilled: Fulfillment.UNFULFILLED,
  confirmed: Fulfillment.CONFIRMED,
  shipped: Fulfillment.SHIPPED,
  delivered: Fulfillment.DELIVERED,
};

export type StateEvent = {
  [Type in keyof StateEvents]: { readonly type: Type; readonly data: StateEvents[Type] };
}[keyof StateEvents];

export function newsOf({ type, data }: StateEvent): OrderNews {
  switch (type) {
    case 'order.paid':
      return { status: OrderStatus.PAID, at: new Date(data.paid_at) };
    case 'order.completed':
      return { status: OrderStatus.COMPLETED, at: new Date(data.completed_at) };
    case 'order.cancelled':
      return { status: OrderStatus.CANCELLED, reason: data.reason, at: new Date(data.cancelled_at) };
    case 'order.refunded':
      return { status: OrderStatus.REFUNDED, at: new Date(data.refunded_at) };
    case 'order.status_changed':
      return { status: OrderStatus.PAID, fulfillment: FULFILLMENTS[data.to], at: new Date(data.changed_at) };
    default:
      return type satisfies never;
  }
}

export function stateOf(order: Order): OrderState {
  const { id: orderId, status, fulfillment, reason, updatedAt } = order;
  return { orderId, status, fulfillment, reason, at: updatedAt ?? new Date() };
}

const TERMINAL: ReadonlySet<OrderStatus> = new Set([
  OrderStatus.COMPLETED,
  OrderStatus.CANCELLED,
  OrderStatus.REFUNDED,
]);
const STATUS_RANK: Readonly<Record<OrderStatus, number>> = {
  [OrderStatus.UNSPECIFIED]: 0,
  [OrderStatus.PENDING]: 1,
  [OrderStatus.PAID]: 2,
  [OrderStatus.COMPLETED]: 3,
  [OrderStatus.CANCELLED]: 3,
  [OrderStatus.REFUNDED]: 3,
};
const FULFILLMENT_RANK: Readonly<Record<Fulfillment, number>> = {
  [Fulfillment.UNSPECIFIED]: 0,
  [Fulfillment.UNFULFILLED]: 1,
  [Fulfillment.CONFIRMED]: 2,
  [Fulfillment.SHIPPED]: 3,
  [Fulfillment.DELIVERED]: 4,
};

export function isTerminal({ status }: OrderState): boolean {
  return TERMINAL.has(status);
}

/**
 * The state after news, or undefined when they tell nothing that was not known: orders only move forward, while events may come twice
 * and later than a read that knew of them already.
 */
export function progressOf(known: OrderState, { status, fulfillment, reason, at }: OrderNews): OrderState | undefined {
  const next = {
    orderId: known.orderId,
    status,
    fulfillment: fulfillment ?? known.fulfillment,
    reason: reason ?? known.reason,
    at,
  };
  const byStatus = STATUS_RANK[next.status] - STATUS_RANK[known.status];
  const byFulfillment = FULFILLMENT_RANK[next.fulfillment] - FULFILLMENT_RANK[known.fulfillment];
  return byStatus > 0 || (byStatus === 0 && byFulfillment > 0) ? next : undefined;
}
