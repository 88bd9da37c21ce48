import { Fulfillment, type Order, OrderStatus, StockState, type TimelineEntry } from '@punctual/contracts/grpc/order';
import { type Payment, PaymentStatus } from '@punctual/contracts/grpc/payment';
import type { PaymentFacts } from '../commands/pay-order.ts';
import type { TimelineEntry as ShownEntry, ShownOrder } from '../queries/orders.ts';

const STATUS_PREFIX = 'ORDER_STATUS_';
const STOCK_STATES = {
  pending: StockState.PENDING,
  reserved: StockState.RESERVED,
  rejected: StockState.REJECTED,
} as const satisfies Record<ShownOrder['stock'], StockState>;
const FULFILLMENTS = {
  unfulfilled: Fulfillment.UNFULFILLED,
  confirmed: Fulfillment.CONFIRMED,
  shipped: Fulfillment.SHIPPED,
  delivered: Fulfillment.DELIVERED,
} as const satisfies Record<ShownOrder['fulfillment'], Fulfillment>;
const PAYMENT_STATUSES = {
  pending: PaymentStatus.PENDING,
  processing: PaymentStatus.PROCESSING,
  succeeded: PaymentStatus.SUCCEEDED,
  failed: PaymentStatus.FAILED,
  refunded: PaymentStatus.REFUNDED,
} as const satisfies Record<PaymentFacts['status'], PaymentStatus>;

export function orderMessage(order: ShownOrder): Order {
  return {
    id: order.id,
    userId: order.userId,
    requestId: order.requestId,
    status: OrderStatus[order.status],
    reason: order.reason ?? undefined,
    stock: STOCK_STATES[order.stock],
    fulfillment: FULFILLMENTS[order.fulfillment],
    description: order.description,
    shippingAddress: order.shippingAddress,
    notes: order.notes,
    items: order.items.map((item) => ({ ...item, totalPriceMinor: item.unitPriceMinor * item.quantity })),
    totalMinor: order.totalMinor,
    currency: order.currency,
    expiresAt: order.expiresAt,
    createdAt: order.createdAt,
    updatedAt: order.updatedAt,
  };
}

export function paymentMessage({ status, last4, failure, capturedAt, refundedAt, ...facts }: PaymentFacts): Payment {
  return {
    ...facts,
    status: PAYMENT_STATUSES[status],
    cardLast4: last4,
    failure: failure ?? undefined,
    capturedAt: capturedAt ?? undefined,
    refundedAt: refundedAt ?? undefined,
  };
}

export function timelineMessage({ at, type, actor, from, to, reason, detail }: ShownEntry): TimelineEntry {
  return {
    at,
    type,
    actor,
    from: from ?? undefined,
    to: to ?? undefined,
    reason: reason ?? undefined,
    detail,
  };
}

/** As the contract of the HTTP query has it, which refuses what is no status. */
export function statusText(status: OrderStatus | undefined): string | undefined {
  return status?.slice(STATUS_PREFIX.length);
}
