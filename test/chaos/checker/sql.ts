/** The queries behind the evidence, one for each table; the shapes are those of evidence.ts. */
import type { Client, QueryResultRow } from 'pg';
import type {
  ChargeRow,
  DeadLetterRow,
  InboxRow,
  MailRow,
  OrderRow,
  OutboxRow,
  PaymentRow,
  ProductCopyRow,
  ProductRow,
  RefundRow,
  ReservationRow,
  TimelineRow,
  TimerRow,
  UserRow,
} from './evidence.ts';

/** As a JavaScript number: the driver gives bigint as text. */
const ms = (column: string): string => `(extract(epoch FROM ${column}) * 1000)::float8`;

async function select<T extends QueryResultRow>(client: Client, text: string): Promise<T[]> {
  return (await client.query<T>(text)).rows;
}

export type Source = { readonly service: string; readonly client: Client };

/** The rows of every service's table, one service after the other. */
export async function ofEach<T>(sources: readonly Source[], query: (source: Source) => Promise<T[]>): Promise<T[]> {
  const found: T[] = [];
  for (const source of sources) found.push(...(await query(source)));
  return found;
}

export async function nowOf(client: Client): Promise<number> {
  const [row] = await select<{ now: number }>(client, `SELECT ${ms('now()')} AS now`);
  return row?.now ?? Date.now();
}

export function users(client: Client): Promise<UserRow[]> {
  return select(
    client,
    `SELECT id::float8, email, verified_at IS NOT NULL AS verified FROM users WHERE deleted_at IS NULL ORDER BY id`,
  );
}

export function products(client: Client): Promise<ProductRow[]> {
  return select(
    client,
    `SELECT s.product_id::float8 AS id, p.id IS NULL OR p.deleted_at IS NOT NULL AS deleted,
       coalesce(e.stocked, 0)::float8 AS stocked, coalesce(p.stocked, 0)::float8 AS "projectedStocked",
       s.available::float8, s.reserved::float8, s.sold::float8, s.stock_version::float8 AS "stockVersion"
     FROM stock s LEFT JOIN products p ON p.id = s.product_id
     LEFT JOIN (
       SELECT product_id, sum(CASE type WHEN 'product.created' THEN (data->>'quantity')::bigint
                                        WHEN 'stock.adjusted' THEN (data->>'change')::bigint ELSE 0 END) AS stocked
       FROM product_events GROUP BY product_id
     ) e ON e.product_id = s.product_id
     ORDER BY s.product_id`,
  );
}

export async function reservations(client: Client): Promise<ReservationRow[]> {
  type Row = Omit<ReservationRow, 'lines'> & { lines: { product_id: number; quantity: number }[] };
  const found = await select<Row>(
    client,
    'SELECT order_id::float8 AS "orderId", state, lines FROM reservations ORDER BY order_id',
  );
  return found.map((row) => ({
    ...row,
    lines: row.lines.map(({ product_id: productId, quantity }) => ({ productId, quantity })),
  }));
}

export function orders(client: Client): Promise<OrderRow[]> {
  return select(
    client,
    `SELECT o.id::float8, o.user_id::float8 AS "userId", o.request_id AS "requestId", o.status, o.reason, o.stock,
       o.description, o.shipping_address AS "shippingAddress", o.notes, o.total_minor::float8 AS "totalMinor",
       ${ms('o.created_at')} AS "createdAtMs", ${ms('o.expires_at')} AS "expiresAtMs", o.payment_id::float8 AS "paymentId",
       coalesce(i.items, '[]') AS items
     FROM orders o LEFT JOIN (
       SELECT order_id, json_agg(json_build_object('productId', product_id, 'quantity', quantity,
                                                   'unitPriceMinor', unit_price_minor) ORDER BY id) AS items
       FROM order_items GROUP BY order_id
     ) i ON i.order_id = o.id
     ORDER BY o.id`,
  );
}

export function timers(client: Client): Promise<TimerRow[]> {
  return select(
    client,
    `SELECT order_id::float8 AS "orderId", kind, ${ms('due_at')} AS "dueAtMs", state FROM order_timers
     ORDER BY order_id, due_at`,
  );
}

/** By id, which an entry gets under the lock of its order: `at` is when its transaction began, maybe to wait for that lock. */
export function timeline(client: Client): Promise<TimelineRow[]> {
  return select(
    client,
    `SELECT id::float8, order_id::float8 AS "orderId", ${ms('at')} AS "atMs", type, from_status AS "from",
       to_status AS "to", detail
     FROM order_events ORDER BY order_id, id`,
  );
}

export function productCopies(client: Client): Promise<ProductCopyRow[]> {
  return select(
    client,
    `SELECT product_id::float8 AS "productId", available::float8, stock_version::float8 AS "stockVersion"
     FROM products ORDER BY product_id`,
  );
}

export function payments(client: Client): Promise<PaymentRow[]> {
  return select(
    client,
    `SELECT id::float8, order_id::float8 AS "orderId", amount_minor::float8 AS "amountMinor", status,
       idempotency_key::text AS "idempotencyKey", provider_reference AS "providerReference",
       refund_wanted_at IS NOT NULL AS "refundWanted"
     FROM payments ORDER BY id`,
  );
}

export function charges(client: Client): Promise<ChargeRow[]> {
  return select(
    client,
    `SELECT id, idempotency_key AS "idempotencyKey", outcome, amount_minor::float8 AS "amountMinor"
     FROM sandbox_charges ORDER BY created_at, id`,
  );
}

export function refunds(client: Client): Promise<RefundRow[]> {
  return select(
    client,
    `SELECT id, idempotency_key AS "idempotencyKey", charge_id AS "chargeId", amount_minor::float8 AS "amountMinor"
     FROM sandbox_refunds ORDER BY created_at, id`,
  );
}

export async function webhooksWaiting(client: Client): Promise<number> {
  const [row] = await select<{ total: number }>(client, 'SELECT count(*)::float8 AS total FROM sandbox_webhooks');
  return row?.total ?? 0;
}

export function mails(client: Client): Promise<MailRow[]> {
  return select(
    client,
    `SELECT intent, type, recipient, message_id AS "messageId", status, attempts, in_doubt AS "inDoubt"
     FROM mails ORDER BY created_at, intent`,
  );
}

export async function outbox({ service, client }: Source): Promise<OutboxRow[]> {
  const found = await select<Omit<OutboxRow, 'service'>>(
    client,
    'SELECT transport, message_id::text AS "messageId", type, subject FROM outbox ORDER BY id',
  );
  return found.map((row) => ({ service, ...row }));
}

export function inbox({ client }: Source): Promise<InboxRow[]> {
  return select(client, 'SELECT consumer, event_id AS "eventId" FROM inbox ORDER BY consumer, event_id');
}

export async function deadLetters({ client }: Source): Promise<DeadLetterRow[]> {
  type Row = Omit<DeadLetterRow, 'text'> & { key: Buffer | null; payload: Buffer | null };
  const found = await select<Row>(
    client,
    `SELECT consumer, event_id AS "eventId", topic, reason, record_key AS key, payload FROM dead_letters ORDER BY id`,
  );
  return found.map(({ key, payload, ...row }) => ({
    ...row,
    text: `${key?.toString('utf8') ?? ''} ${payload?.toString('utf8').slice(0, 4_000) ?? ''}`,
  }));
}
