/**
 * The life of an order.
 *
 *   PENDING ── pay (stock reserved, before expiry) ──▶ PAID ── expiry timer, or delivery ──▶ COMPLETED
 *      │                                                └─ refund ──▶ REFUNDED
 *      └─ customer, expiry unpaid, or stock rejected ──▶ CANCELLED (with the reason)
 *
 * Nothing else happens, and what has ended is never left. `stock` runs beside the status while it is PENDING:
 * pending ──▶ reserved, or pending ──▶ rejected together with CANCELLED. `fulfillment` runs beside it while it is PAID:
 * unfulfilled ──▶ confirmed ──▶ shipped ──▶ delivered, the last together with COMPLETED.
 */

export const TRANSITIONS = {
  PENDING: ['PAID', 'CANCELLED'],
  PAID: ['COMPLETED', 'REFUNDED'],
  COMPLETED: [],
  CANCELLED: [],
  REFUNDED: [],
} as const satisfies Record<string, readonly string[]>;

export type OrderStatus = keyof typeof TRANSITIONS;
export type OrderReason = 'CUSTOMER_CANCELLED' | 'PAYMENT_EXPIRED' | 'OUT_OF_STOCK';
export type StockState = 'pending' | 'reserved' | 'rejected';
export type Fulfillment = 'unfulfilled' | 'confirmed' | 'shipped' | 'delivered';

/** The one step that each state of the fulfilment has. */
export const NEXT_FULFILLMENT = {
  unfulfilled: 'confirmed',
  confirmed: 'shipped',
  shipped: 'delivered',
  delivered: undefined,
} as const satisfies Record<Fulfillment, Fulfillment | undefined>;

export type FulfillmentStep = Exclude<Fulfillment, 'unfulfilled'>;

export type OrderItem = {
  readonly id: number;
  readonly productId: number;
  readonly name: string;
  readonly quantity: number;
  readonly unitPriceMinor: number;
};

export type Order = {
  readonly id: number;
  readonly userId: number;
  readonly customerEmail: string;
  readonly requestId: string;
  readonly status: OrderStatus;
  readonly reason: OrderReason | null;
  readonly stock: StockState;
  readonly fulfillment: Fulfillment;
  readonly description: string;
  readonly shippingAddress: string;
  readonly notes: string;
  readonly items: readonly OrderItem[];
  readonly totalMinor: number;
  readonly currency: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
  readonly expiresAt: Date;
  /** When the money was captured. */
  readonly paidAt: Date | null;
  readonly paymentId: number | null;
};

/** What happened to an order, decided by one of the functions below. */
export type Fact =
  | { readonly type: 'stock.reserved' }
  | { readonly type: 'order.paid' }
  | { readonly type: 'order.completed' }
  | { readonly type: 'order.refunded' }
  | { readonly type: 'order.status_changed'; readonly from: Fulfillment; readonly to: FulfillmentStep }
  | { readonly type: 'order.cancelled'; readonly reason: OrderReason };

export type Change = { readonly before: Order; readonly order: Order; readonly fact: Fact; readonly at: Date };

/** The order's state has no such step. */
export class IllegalTransition extends Error {
  readonly code = 'ILLEGAL_TRANSITION';
  readonly retryable = false;
  readonly current: OrderStatus;
  readonly fulfillment: Fulfillment;
  readonly requested: OrderStatus | Fulfillment;

  constructor({ status, fulfillment }: Pick<Order, 'status' | 'fulfillment'>, requested: OrderStatus | Fulfillment) {
    super(`an order that is ${status} and ${fulfillment} cannot become ${requested}`);
    this.name = 'IllegalTransition';
    this.current = status;
    this.fulfillment = fulfillment;
    this.requested = requested;
  }
}

/** Payment is not taken before the pieces are set aside. */
export class StockPending extends Error {
  readonly code = 'STOCK_PENDING';
  readonly retryable = true;

  constructor() {
    super('the stock of this order is not yet reserved');
    this.name = 'StockPending';
  }
}

/** The time to pay is over, though the expiry timer has not fired yet. */
export class PaymentOverdue extends Error {
  readonly code = 'PAYMENT_OVERDUE';
  readonly retryable = false;

  constructor() {
    super('the time to pay for this order is over');
    this.name = 'PaymentOverdue';
  }
}

export function canBecome(current: OrderStatus, requested: OrderStatus): boolean {
  const allowed: readonly OrderStatus[] = TRANSITIONS[current];
  return allowed.includes(requested);
}

/** Whether money may be taken for it. Throws IllegalTransition, PaymentOverdue or StockPending. */
export function assertPayable(order: Order, at: Date): void {
  assertCanBecome(order, 'PAID');
  if (at >= order.expiresAt) throw new PaymentOverdue();
  if (order.stock !== 'reserved') throw new StockPending();
}

/** Money that a payment has taken for an order, and when. */
export type Capture = { readonly paymentId: number; readonly capturedAt: Date };

/**
 * What money taken means to an order: the order decides, the money follows. Captured in time it pays an order that is
 * PENDING; captured too late it ends it. Undefined when it changes nothing: an order that this payment paid already, or
 * one that has ended, whose money the payment service gives back when it hears of the end. Money for pieces that are not
 * set aside, which the payment service does not take, changes nothing either: the expiry gives it back.
 */
export function applyPayment(order: Order, { paymentId, capturedAt }: Capture, at: Date): Change | undefined {
  switch (order.status) {
    case 'PENDING':
      if (capturedAt > order.expiresAt) return cancel(order, 'PAYMENT_EXPIRED', at);
      if (order.stock !== 'reserved') return undefined;
      return change(order, { status: 'PAID', paidAt: capturedAt, paymentId }, { type: 'order.paid' }, at);
    case 'PAID':
    case 'COMPLETED':
    case 'CANCELLED':
    case 'REFUNDED':
      return undefined;
    default:
      return order.status satisfies never;
  }
}

/** Throws IllegalTransition. */
export function cancel(order: Order, reason: OrderReason, at: Date): Change {
  assertCanBecome(order, 'CANCELLED');
  return change(order, { status: 'CANCELLED', reason }, { type: 'order.cancelled', reason }, at);
}

/** Throws IllegalTransition. */
export function complete(order: Order, at: Date): Change {
  assertCanBecome(order, 'COMPLETED');
  return change(order, { status: 'COMPLETED' }, { type: 'order.completed' }, at);
}

/** The money goes back: this decides it, and the payment service carries it out. Throws IllegalTransition. */
export function refund(order: Order, at: Date): Change {
  assertCanBecome(order, 'REFUNDED');
  return change(order, { status: 'REFUNDED' }, { type: 'order.refunded' }, at);
}

/** One step of the fulfilment, and the completion that delivery brings. Throws IllegalTransition. */
export function fulfil(order: Order, to: FulfillmentStep, at: Date): readonly Change[] {
  const { status, fulfillment: from } = order;
  if (status !== 'PAID' || NEXT_FULFILLMENT[from] !== to) throw new IllegalTransition(order, to);
  const moved = change(order, { fulfillment: to }, { type: 'order.status_changed', from, to }, at);
  return to === 'delivered' ? [moved, complete(moved.order, at)] : [moved];
}

/** Undefined when the answer came too late to matter: product gives the pieces back on order.cancelled. */
export function reserveStock(order: Order, at: Date): Change | undefined {
  if (order.status !== 'PENDING' || order.stock !== 'pending') return undefined;
  return change(order, { stock: 'reserved' }, { type: 'stock.reserved' }, at);
}

/** Undefined when the order was settled before the answer came. */
export function rejectStock(order: Order, at: Date): Change | undefined {
  if (order.status !== 'PENDING' || order.stock !== 'pending') return undefined;
  const { order: cancelled, fact } = cancel(order, 'OUT_OF_STOCK', at);
  return { before: order, order: { ...cancelled, stock: 'rejected' }, fact, at };
}

function assertCanBecome(order: Order, requested: OrderStatus): void {
  if (!canBecome(order.status, requested)) throw new IllegalTransition(order, requested);
}

function change(before: Order, fields: Partial<Order>, fact: Fact, at: Date): Change {
  return { before, order: { ...before, ...fields, updatedAt: at }, fact, at };
}
