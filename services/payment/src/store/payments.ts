import { execute, one, type Queryable, rows, type Transaction } from '@punctual/postgres';
import type { Payment, PaymentFailure, PaymentStatus, RefundCause } from '../domain/payment.ts';

export type { Payment } from '../domain/payment.ts';

/** Whose payments a caller may see: one user's, or everybody's. */
export type Scope = { readonly userId: number | 'any' };
export type NewPayment = Pick<
  Payment,
  'orderId' | 'userId' | 'amountMinor' | 'currency' | 'last4' | 'provider' | 'providerToken'
>;
export type PaymentFilter = Scope & { readonly status?: PaymentStatus | undefined };

type PaymentRow = {
  id: number;
  order_id: number;
  user_id: number;
  amount_minor: number;
  currency: string;
  status: PaymentStatus;
  last4: string;
  provider: string;
  provider_token: string;
  provider_reference: string | null;
  failure: PaymentFailure | null;
  idempotency_key: string;
  captured_at: Date | null;
  refund_cause: RefundCause | null;
  refund_wanted_at: Date | null;
  refunded_at: Date | null;
  check_at: Date | null;
  created_at: Date;
  updated_at: Date;
};

const COLUMNS = `id, order_id, user_id, amount_minor, currency, status, last4, provider, provider_token, provider_reference,
  failure, idempotency_key, captured_at, refund_cause, refund_wanted_at, refunded_at, check_at, created_at, updated_at`;
const IN_SCOPE = '(CAST(:userId AS bigint) IS NULL OR user_id = CAST(:userId AS bigint))';
const MATCHES = `${IN_SCOPE} AND (CAST(:status AS text) IS NULL OR status = CAST(:status AS text))`;
/** A provider may name any text as a key; ours are UUIDs as Postgres writes them. */
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** Money that goes back stands in nobody's way. */
const LIVE = `status IN ('pending', 'processing', 'succeeded') AND refund_wanted_at IS NULL`;

/**
 * Undefined when the order has a live payment already; the transaction can go on. The conflict names no index, so that a migration
 * may change what makes a payment live while this version runs.
 */
export async function insertPayment(tx: Transaction, payment: NewPayment): Promise<Payment | undefined> {
  const row = await one<PaymentRow>(
    tx,
    `INSERT INTO payments (order_id, user_id, amount_minor, currency, status, last4, provider, provider_token, created_at, updated_at)
     VALUES (:orderId, :userId, :amountMinor, :currency, 'pending', :last4, :provider, :providerToken,
             date_trunc('milliseconds', now()), date_trunc('milliseconds', now()))
     ON CONFLICT DO NOTHING
     RETURNING ${COLUMNS}`,
    { ...payment },
  );
  return row && toPayment(row);
}

/** Somebody else's payment is not found. */
export async function findPayment(db: Queryable, id: number, scope: Scope): Promise<Payment | undefined> {
  const row = await one<PaymentRow>(db, `SELECT ${COLUMNS} FROM payments WHERE id = :id AND ${IN_SCOPE}`, {
    id,
    userId: userIdOf(scope),
  });
  return row && toPayment(row);
}

/** The latest payment of each of these orders that has one in scope, in no order. */
export async function findLatestOfOrders(db: Queryable, orderIds: readonly number[], scope: Scope): Promise<Payment[]> {
  const found = await rows<PaymentRow>(
    db,
    `SELECT DISTINCT ON (order_id) ${COLUMNS} FROM payments
     WHERE order_id = ANY(CAST(:orderIds AS bigint[])) AND ${IN_SCOPE} ORDER BY order_id, id DESC`,
    { orderIds: [...orderIds], userId: userIdOf(scope) },
  );
  return found.map(toPayment);
}

export async function findLivePayment(db: Queryable, orderId: number): Promise<Payment | undefined> {
  const row = await one<PaymentRow>(db, `SELECT ${COLUMNS} FROM payments WHERE order_id = :orderId AND ${LIVE}`, {
    orderId,
  });
  return row && toPayment(row);
}

/** The payment that a provider's event is about, by the capture's key or by the charge: each is asked of its own index. */
export async function findPaymentOfProvider(
  db: Queryable,
  provider: string,
  about: { readonly idempotencyKey: string } | { readonly providerReference: string },
): Promise<Payment | undefined> {
  const isByKey = 'idempotencyKey' in about;
  if (isByKey && !UUID.test(about.idempotencyKey)) return undefined;
  const row = await one<PaymentRow>(
    db,
    `SELECT ${COLUMNS} FROM payments
     WHERE provider = :provider AND ${isByKey ? 'idempotency_key = CAST(:name AS uuid)' : 'provider_reference = :name'}`,
    { provider, name: isByKey ? about.idempotencyKey : about.providerReference },
  );
  return row && toPayment(row);
}

/** Newest first; the id decides between payments of one instant, so that pages do not overlap. */
export async function listPayments(
  db: Queryable,
  filter: PaymentFilter,
  page: { limit: number; offset: number },
): Promise<Payment[]> {
  const found = await rows<PaymentRow>(
    db,
    `SELECT ${COLUMNS} FROM payments WHERE ${MATCHES} ORDER BY created_at DESC, id DESC LIMIT :limit OFFSET :offset`,
    { userId: userIdOf(filter), status: filter.status ?? null, limit: page.limit, offset: page.offset },
  );
  return found.map(toPayment);
}

export async function countPayments(db: Queryable, filter: PaymentFilter): Promise<number> {
  const row = await one<{ total: number }>(db, `SELECT count(*) AS total FROM payments WHERE ${MATCHES}`, {
    userId: userIdOf(filter),
    status: filter.status ?? null,
  });
  return row?.total ?? 0;
}

/** The caller holds the lock of the payment's order. */
export async function lockPayment(tx: Transaction, id: number): Promise<Payment | undefined> {
  const row = await one<PaymentRow>(tx, `SELECT ${COLUMNS} FROM payments WHERE id = :id FOR UPDATE`, { id });
  return row && toPayment(row);
}

/** Locks the live payment of each order, by ascending order. The caller holds the locks of the orders. */
export async function lockLivePayments(tx: Transaction, orderIds: readonly number[]): Promise<Payment[]> {
  const found = await rows<PaymentRow>(
    tx,
    `SELECT ${COLUMNS} FROM payments WHERE order_id = ANY(CAST(:orderIds AS bigint[])) AND ${LIVE} ORDER BY order_id FOR UPDATE`,
    { orderIds: [...orderIds] },
  );
  return found.map(toPayment);
}

/** Writes what can change of a payment. The caller holds its lock. */
export async function savePayment(tx: Transaction, payment: Payment): Promise<void> {
  await execute(
    tx,
    `UPDATE payments SET status = :status, provider_reference = :providerReference, failure = :failure, captured_at = :capturedAt,
       refund_cause = :refundCause, refund_wanted_at = :refundWantedAt, refunded_at = :refundedAt, updated_at = :updatedAt,
       check_at = :checkAt, checks = 0
     WHERE id = :id`,
    {
      id: payment.id,
      status: payment.status,
      providerReference: payment.providerReference,
      failure: payment.failure,
      capturedAt: payment.capturedAt,
      refundCause: payment.refundCause,
      refundWantedAt: payment.refundWantedAt,
      refundedAt: payment.refundedAt,
      updatedAt: payment.updatedAt,
      checkAt: payment.checkAt,
    },
  );
}

/**
 * Takes up to `limit` payments that are due for a look, each for one worker alone until it is due again: after a second at first,
 * twice as long each time, up to a minute.
 */
export async function takeDuePayments(db: Queryable, limit: number): Promise<Payment[]> {
  const found = await rows<PaymentRow>(
    db,
    `UPDATE payments SET checks = checks + 1, check_at = now() + least(60, 2 ^ least(checks, 10)) * interval '1 second'
     WHERE id IN (SELECT id FROM payments WHERE check_at <= now() ORDER BY check_at LIMIT :limit FOR UPDATE SKIP LOCKED)
     RETURNING ${COLUMNS}`,
    { limit },
  );
  return found.map(toPayment);
}

function userIdOf({ userId }: Scope): number | null {
  return userId === 'any' ? null : userId;
}

function toPayment(row: PaymentRow): Payment {
  return {
    id: row.id,
    orderId: row.order_id,
    userId: row.user_id,
    amountMinor: row.amount_minor,
    currency: row.currency,
    status: row.status,
    last4: row.last4,
    provider: row.provider,
    providerToken: row.provider_token,
    providerReference: row.provider_reference,
    failure: row.failure,
    idempotencyKey: row.idempotency_key,
    capturedAt: row.captured_at,
    refundCause: row.refund_cause,
    refundWantedAt: row.refund_wanted_at,
    refundedAt: row.refunded_at,
    checkAt: row.check_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
