/** A small run in which all went well, made by hand: what the tests of the invariants break, one piece at a time. */
import type { History, Operation } from '../types.ts';
import type { Evidence, MailRow, OrderRow, PaymentRow, TimelineRow, TimerRow } from './evidence.ts';
import { kafkaOrders, kafkaPayments, kafkaProducts, kafkaStock } from './healthy-events.ts';
import {
  createdAtMs,
  EXPIRY_AFTER_MS,
  LIVES,
  type Life,
  PRICE_MINOR,
  REMINDER_AFTER_MS,
  STARTED_MS,
  type Step,
  USER,
} from './healthy-lives.ts';

export { STARTED_MS } from './healthy-lives.ts';

export type Judged = { history: History; evidence: Evidence };

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
