/** A small run in which all went well, made by hand: what the tests of the invariants break, one piece at a time. */
import type { History, Operation } from '../types.ts';
import type {
  Evidence,
  KafkaEvent,
  MailRow,
  OrderRow,
  PaymentRow,
  ReservationState,
  TimelineRow,
  TimerRow,
} from './evidence.ts';

export const STARTED_MS = 1_800_000_000_000;
const USER = { id: 7, email: 'customer@example.com', verified: true };
const PRICE_MINOR = 1_000;
const REMINDER_AFTER_MS = 10_000;
const EXPIRY_AFTER_MS = 60_000;

export type Judged = { history: History; evidence: Evidence };

type Step = {
  type: string;
  afterMs: number;
  from?: string;
  to?: string;
  mails?: string[];
  kind?: string;
  paymentId?: number;
};
type Life = Pick<OrderRow, 'id' | 'status' | 'reason' | 'stock'> & {
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
const LIVES: readonly Life[] = [
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
const createdAtMs = (id: number): number => STARTED_MS + (id === 5 ? 50_000 : id * 1_000);

/** A copy of its own for each test. */
export function healthy(): Judged {
  const timeline = LIVES.flatMap(({ id, steps }) => steps.map((step, index) => timelineRow(id, step, index)));
  const events = [...kafkaOrders(), ...kafkaStock(), ...kafkaPayments(), ...kafkaProducts()];
  const mails = timeline.flatMap(mailsOf);
  return {
    history: { operations: operations(), faults: [], startedAtMs: STARTED_MS, quiescedMs: 5_000 },
    evidence: {
      takenAtMs: STARTED_MS + 70_000,
      users: [USER],
      products: [
        {
          id: 1,
          deleted: false,
          stocked: 10,
          projectedStocked: 10,
          available: 7,
          reserved: 1,
          sold: 2,
          stockVersion: 6,
        },
        { id: 2, deleted: false, stocked: 5, projectedStocked: 5, available: 5, reserved: 0, sold: 0, stockVersion: 3 },
      ],
      reservations: LIVES.map(({ id, reservation, productId, quantity }) => ({
        orderId: id,
        state: reservation,
        lines: [{ productId, quantity }],
      })),
      orders: LIVES.map(orderRow),
      timers: LIVES.flatMap(({ id, reminder, expiry }): TimerRow[] => [
        { orderId: id, kind: 'reminder-1', dueAtMs: createdAtMs(id) + REMINDER_AFTER_MS, state: reminder },
        { orderId: id, kind: 'expiry', dueAtMs: createdAtMs(id) + EXPIRY_AFTER_MS, state: expiry },
      ]),
      timeline,
      productCopies: [
        { productId: 1, available: 7, stockVersion: 5 },
        { productId: 2, available: 5, stockVersion: 3 },
      ],
      payments: [payment(1, 1, 'succeeded'), payment(2, 3, 'refunded'), payment(3, 5, 'failed')],
      charges: [
        { id: 'ch_1', idempotencyKey: 'key-1', outcome: 'captured', amountMinor: 2 * PRICE_MINOR },
        { id: 'ch_2', idempotencyKey: 'key-2', outcome: 'captured', amountMinor: PRICE_MINOR },
        { id: 'ch_3', idempotencyKey: 'key-3', outcome: 'declined', amountMinor: PRICE_MINOR },
      ],
      refunds: [{ id: 're_2', idempotencyKey: 'refund:2', chargeId: 'ch_2', amountMinor: PRICE_MINOR }],
      webhooksWaiting: 0,
      mails,
      outbox: [],
      inbox: events.flatMap(({ id, topic, type }) =>
        consumersOf(topic, type).map((consumer) => ({ consumer, eventId: id ?? '' })),
      ),
      deadLetters: [],
      events,
      lags: [{ group: 'product', topic: 'order', records: 0 }],
      queues: [{ name: 'mail.jobs', messages: 0 }],
      rabbitDeadLetters: [],
      received: mails.map(({ messageId, recipient }) => ({ messageId, to: recipient, subject: 'Your order' })),
    },
  };
}

function orderRow({ id, status, reason, stock, productId, quantity }: Life): OrderRow {
  return {
    id,
    userId: USER.id,
    requestId: `request-${id}`,
    status,
    reason,
    stock,
    description: '',
    shippingAddress: '1 Main Street',
    notes: '',
    totalMinor: quantity * PRICE_MINOR,
    createdAtMs: createdAtMs(id),
    expiresAtMs: createdAtMs(id) + EXPIRY_AFTER_MS,
    paymentId: null,
    items: [{ productId, quantity, unitPriceMinor: PRICE_MINOR }],
  };
}

function timelineRow(orderId: number, step: Step, index: number): TimelineRow {
  const { type, afterMs, from = null, to = null, mails, kind, paymentId } = step;
  return {
    id: orderId * 100 + index,
    orderId,
    atMs: createdAtMs(orderId) + afterMs,
    type,
    from,
    to,
    detail: {
      ...(mails === undefined ? {} : { mails }),
      ...(kind === undefined ? {} : { kind }),
      ...(paymentId === undefined ? {} : { payment_id: paymentId }),
    },
  };
}

function mailsOf({ orderId, detail }: TimelineRow): MailRow[] {
  const types = Array.isArray(detail.mails) ? (detail.mails as string[]) : [];
  return types.map((type) => {
    const names: Record<string, string> = { 'mail.payment-reminder': 'reminder-1', 'mail.refund': 'refund-2' };
    const name = names[type] ?? type.slice('mail.'.length);
    const intent = `order:${orderId}:${createdAtMs(orderId)}:${name}`;
    const messageId = `<${intent}@punctual.test>`;
    return { intent, type, recipient: USER.email, messageId, status: 'sent', attempts: 1, inDoubt: 0 };
  });
}

function payment(id: number, orderId: number, status: PaymentRow['status']): PaymentRow {
  const amountMinor = (LIVES.find((life) => life.id === orderId)?.quantity ?? 0) * PRICE_MINOR;
  const providerReference = status === 'failed' ? null : `ch_${id}`;
  const refundWanted = status === 'refunded';
  return { id, orderId, amountMinor, status, idempotencyKey: `key-${id}`, providerReference, refundWanted };
}

const INSTANT = new Date(STARTED_MS).toISOString();

function kafka(topic: string, type: string, about: number, data: Record<string, unknown>, offset: number): KafkaEvent {
  return { topic, partition: 0, offset, id: `${type}/${about}`, type, key: String(about), data };
}

function kafkaOrders(): KafkaEvent[] {
  const told = LIVES.flatMap((life) =>
    life.steps.filter(({ type }) => type.startsWith('order.')).map(({ type }) => ({ life, type })),
  );
  return told.map(({ life: { id, productId, quantity, reason }, type }, offset) =>
    kafka(
      'order',
      type,
      id,
      {
        order_id: id,
        user_id: USER.id,
        items: [{ product_id: productId, quantity, unit_price_minor: PRICE_MINOR }],
        total_minor: quantity * PRICE_MINOR,
        currency: 'USD',
        ...(reason === null ? {} : { reason }),
        ...Object.fromEntries(
          ['created', 'expires', 'paid', 'completed', 'cancelled', 'refunded'].map((at) => [`${at}_at`, INSTANT]),
        ),
      },
      offset,
    ),
  );
}

/** What is available of products 1 and 2 after each change, as the events tell it. */
const LEVELS: Readonly<Record<string, { product_id: number; available: number; stock_version: number }>> = {
  'stock.reserved/1': { product_id: 1, available: 8, stock_version: 2 },
  'stock.reserved/2': { product_id: 1, available: 7, stock_version: 3 },
  'stock.released/2': { product_id: 1, available: 8, stock_version: 4 },
  'stock.reserved/5': { product_id: 1, available: 7, stock_version: 5 },
  'stock.reserved/3': { product_id: 2, available: 4, stock_version: 2 },
  'stock.released/3': { product_id: 2, available: 5, stock_version: 3 },
};

function kafkaStock(): KafkaEvent[] {
  const told = LIVES.flatMap(({ id, stockTold }) => stockTold.map((type) => ({ id, type })));
  return told.map(({ id, type }, offset) => {
    const level = LEVELS[`${type}/${id}`];
    const data = {
      order_id: id,
      levels: level === undefined ? [] : [level],
      missing: [],
      cause: 'order.cancelled',
      ...Object.fromEntries(['reserved', 'rejected', 'released'].map((at) => [`${at}_at`, INSTANT])),
    };
    return kafka('stock', type, id, data, offset);
  });
}

function kafkaPayments(): KafkaEvent[] {
  const told = [
    { type: 'payment.success', order_id: 1, payment_id: 1 },
    { type: 'payment.success', order_id: 3, payment_id: 2 },
    { type: 'payment.refunded', order_id: 3, payment_id: 2 },
    { type: 'payment.failed', order_id: 5, payment_id: 3 },
  ];
  return told.map(({ type, ...about }, offset) => {
    const data = {
      ...about,
      user_id: USER.id,
      amount_minor: PRICE_MINOR,
      currency: 'USD',
      cause: 'order.refunded',
      code: 'CARD_DECLINED',
      ...Object.fromEntries(['captured', 'failed', 'refunded'].map((at) => [`${at}_at`, INSTANT])),
    };
    return kafka('payment', type, about.order_id, data, offset);
  });
}

function kafkaProducts(): KafkaEvent[] {
  return [10, 5].map((available, index) => {
    const data = {
      product_id: index + 1,
      version: 1,
      name: 'A thing',
      description: '',
      price_minor: PRICE_MINOR,
      currency: 'USD',
      available,
      stock_version: 1,
      changed_at: INSTANT,
    };
    return kafka('product', 'product.created', index + 1, data, index);
  });
}

function consumersOf(topic: string, type: string | null): string[] {
  if (topic === 'order') return type === 'order.paid' ? ['payment-order'] : ['product', 'payment-order'];
  return [`order-${topic}`];
}

function operations(): Operation[] {
  return [
    ...LIVES.map(({ id, productId, quantity }) =>
      operation(id, {
        kind: 'order',
        orderId: id,
        requestId: `request-${id}`,
        status: 201,
        answer: { status: 'PENDING', stock: 'pending' },
        asked: { shipping_address: '1 Main Street', items: [{ product_id: productId, quantity }] },
      }),
    ),
    operation(11, { kind: 'pay', orderId: 1, answer: { status: 'PAID', stock: 'reserved' } }),
    operation(12, { kind: 'read', orderId: 1, answer: { status: 'PAID', stock: 'reserved' } }),
    operation(13, { kind: 'refund', orderId: 3, answer: null }),
  ];
}

/** An operation of the customer that was answered with success; a second each, one after the other. */
export function operation(id: number, fields: Partial<Operation>): Operation {
  return {
    id,
    kind: 'read',
    userId: USER.id,
    email: USER.email,
    requestId: null,
    orderId: null,
    startedMs: id * 1_000,
    endedMs: id * 1_000 + 500,
    attempts: 1,
    outcome: 'ok',
    status: 200,
    code: null,
    answer: null,
    ...fields,
  };
}

/** Changes the row that is found by its fields; throws when there is none, so that no test breaks nothing. */
export function changed<T extends object>(rows: readonly T[], which: Partial<T>, fields: Partial<T>): T[] {
  if (!rows.some((row) => matches(row, which))) throw new Error(`there is no row with ${JSON.stringify(which)}`);
  return rows.map((row) => (matches(row, which) ? { ...row, ...fields } : row));
}

export function without<T extends object>(rows: readonly T[], which: Partial<T>): T[] {
  const rest = rows.filter((row) => !matches(row, which));
  if (rest.length === rows.length) throw new Error(`there is no row with ${JSON.stringify(which)}`);
  return rest;
}

export function rowOf<T extends object>(rows: readonly T[], which: Partial<T>): T {
  const row = rows.find((candidate) => matches(candidate, which));
  if (row === undefined) throw new Error(`there is no row with ${JSON.stringify(which)}`);
  return row;
}

function matches<T extends object>(row: T, which: Partial<T>): boolean {
  return (Object.keys(which) as (keyof T)[]).every((name) => row[name] === which[name]);
}
