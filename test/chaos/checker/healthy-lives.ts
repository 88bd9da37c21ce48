/** The orders of the healthy run, and what became of each. */
import type { OrderRow, ReservationState, TimerRow } from './evidence.ts';

export const STARTED_MS = 1_800_000_000_000;
export const USER = { id: 7, email: 'customer@example.com', verified: true };
export const PRICE_MINOR = 1_000;
export const REMINDER_AFTER_MS = 10_000;
export const EXPIRY_AFTER_MS = 60_000;

export type Step = {
  type: string;
  afterMs: number;
  from?: string;
  to?: string;
  mails?: string[];
  kind?: string;
  paymentId?: number;
};
export type Life = Pick<OrderRow, 'id' | 'status' | 'reason' | 'stock'> & {
  productId: number;
  quantity: number;
  reservation: ReservationState;
  reminder: TimerRow['state'];
  expiry: TimerRow['state'];
  steps: Step[];
  stockTold: string[];
};

const CREATED: Step = { type: 'order.created', afterMs: 0, to: 'PENDING' };
const RESERVED: Step = { type: 'stock.reserved', afterMs: 50, mails: ['mail.order-confirmation'] };
const PAID: Step = { type: 'order.paid', afterMs: 500, from: 'PENDING', to: 'PAID', mails: ['mail.order-paid'] };
const CANCELLED: Step = {
  type: 'order.cancelled',
  afterMs: 800,
  from: 'PENDING',
  to: 'CANCELLED',
  mails: ['mail.order-cancelled'],
};

/** Completed, cancelled, refunded, out of stock, and waiting with a declined card behind it. */
export const LIVES: readonly Life[] = [
  {
    id: 1,
    status: 'COMPLETED',
    reason: null,
    stock: 'reserved',
    productId: 1,
    quantity: 2,
    reservation: 'sold',
    reminder: 'cancelled',
    expiry: 'fired',
    steps: [
      CREATED,
      RESERVED,
      PAID,
      { type: 'timer.fired', afterMs: EXPIRY_AFTER_MS + 20, kind: 'expiry' },
      { type: 'order.completed', afterMs: EXPIRY_AFTER_MS + 20, from: 'PAID', to: 'COMPLETED' },
    ],
    stockTold: ['stock.reserved'],
  },
  {
    id: 2,
    status: 'CANCELLED',
    reason: 'CUSTOMER_CANCELLED',
    stock: 'reserved',
    productId: 1,
    quantity: 1,
    reservation: 'released',
    reminder: 'cancelled',
    expiry: 'cancelled',
    steps: [CREATED, RESERVED, CANCELLED],
    stockTold: ['stock.reserved', 'stock.released'],
  },
  {
    id: 3,
    status: 'REFUNDED',
    reason: null,
    stock: 'reserved',
    productId: 2,
    quantity: 1,
    reservation: 'released',
    reminder: 'cancelled',
    expiry: 'cancelled',
    steps: [
      CREATED,
      RESERVED,
      PAID,
      { type: 'order.refunded', afterMs: 900, from: 'PAID', to: 'REFUNDED' },
      { type: 'payment.refunded', afterMs: 950, mails: ['mail.refund'], paymentId: 2 },
    ],
    stockTold: ['stock.reserved', 'stock.released'],
  },
  {
    id: 4,
    status: 'CANCELLED',
    reason: 'OUT_OF_STOCK',
    stock: 'rejected',
    productId: 2,
    quantity: 9,
    reservation: 'rejected',
    reminder: 'cancelled',
    expiry: 'cancelled',
    steps: [CREATED, { ...CANCELLED, afterMs: 60 }],
    stockTold: ['stock.rejected'],
  },
  {
    id: 5,
    status: 'PENDING',
    reason: null,
    stock: 'reserved',
    productId: 1,
    quantity: 1,
    reservation: 'reserved',
    reminder: 'fired',
    expiry: 'waiting',
    steps: [
      CREATED,
      RESERVED,
      { type: 'payment.failed', afterMs: 700, paymentId: 3 },
      {
        type: 'timer.fired',
        afterMs: REMINDER_AFTER_MS + 30,
        kind: 'reminder-1',
        mails: ['mail.payment-reminder'],
      },
    ],
    stockTold: ['stock.reserved'],
  },
];

/** Order 5 was made late enough to be still waiting when the evidence is taken. */
export const createdAtMs = (id: number): number => STARTED_MS + (id === 5 ? 50_000 : id * 1_000);
