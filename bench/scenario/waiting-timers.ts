import { type Bench, describeStep, runStep } from '../step.ts';
import { uniform } from '../workloads.ts';
import { orderRate } from './order-rate.ts';
import type { Finding, RateOptions } from './workload.ts';

const TIMERS = 1_000_000;
const TIMERS_PER_ORDER = 4;
/** Of those that come due during the step in which lateness is read. */
const DUE_PER_SECOND = 20;
/** Until the load of that step runs. */
const DUE_FROM_SECONDS = 3;
const TIMERS_ARE_IN_TIME_MS = 2_000;
const FIRED_DEADLINE_MS = 60_000;
const POLL_MS = 200;

export async function waitingTimers(bench: Bench, options: RateOptions): Promise<Finding> {
  const { state, shop, say } = bench;
  const source = (run: string) => uniform(shop, run);
  // Without W1 in this run its maximum is looked for here, so that both are from one run.
  const uniformMax =
    options.uniformMax ??
    (options.fixedRate === undefined ? (await orderRate(bench, source, options)).maxPerSecond : undefined);
  const orders = Math.ceil((TIMERS * bench.size) / TIMERS_PER_ORDER);
  await insertOrders(bench, orders, 'now()');
  await state.orders('VACUUM ANALYZE orders, order_items, order_timers');
  say(`${orders * TIMERS_PER_ORDER} timers wait`);
  const rate = await orderRate(bench, source, options);

  const due = DUE_PER_SECOND * bench.seconds;
  const spread = `now() - interval '4 hours' + interval '${DUE_FROM_SECONDS} seconds' + n * interval '1 second' / ${DUE_PER_SECOND}`;
  const afterId = await state.newestOrderId();
  await insertOrders(bench, due, spread);
  const lastDueId = await state.newestOrderId();
  await wakeUps(bench, afterId, lastDueId);
  const ratePerSecond = rate.calm?.ratePerSecond ?? options.fixedRate ?? options.start;
  const step = await runStep(bench, source, { ratePerSecond });
  say(`${describeStep(step)}  (${due} timers come due)`);
  const late = await lateness(bench, afterId, lastDueId, due);

  const ratio =
    rate.maxPerSecond !== undefined && uniformMax !== undefined ? rate.maxPerSecond / uniformMax : undefined;
  return {
    orders: rate,
    facts: [
      { name: 'waiting timers', value: orders * TIMERS_PER_ORDER },
      ...(ratio === undefined ? [] : [{ name: 'rate, of W1', value: `${(100 * ratio).toFixed(0)} %` }]),
      { name: 'timers that came due meanwhile', value: due },
      { name: 'of them fired', value: late.fired },
      { name: 'lateness p50', value: late.p50Ms, unit: 'ms' },
      { name: 'lateness p99', value: late.p99Ms, unit: 'ms' },
      {
        name: `lateness p99 is below ${TIMERS_ARE_IN_TIME_MS} ms`,
        value: late.p99Ms < TIMERS_ARE_IN_TIME_MS ? 'yes' : 'no',
      },
    ],
    problems: [
      ...(late.fired === due ? [] : [`${due - late.fired} of ${due} timers have not fired`]),
      ...(late.early === 0 ? [] : [`${late.early} timers fired early`]),
    ],
  };
}

/** Reserved orders as they are some time after `createdAt`, an SQL expression over n: 1, 2 and so on. */
async function insertOrders({ state, shop }: Bench, count: number, createdAt: string): Promise<void> {
  await state.orders(
    `WITH placed AS (
       INSERT INTO orders (user_id, customer_email, request_id, request_hash, status, stock, fulfillment, description,
                           shipping_address, notes, total_minor, currency, created_at, updated_at, expires_at)
       SELECT 1000000 + n % 100000, 'waiting@example.com', gen_random_uuid()::text, '\\x00', 'PENDING', 'reserved',
              'unfulfilled', '', '1 Main Street, Springfield', '', 1000, 'USD', c, c, c + interval '24 hours'
       FROM (SELECT n, date_trunc('milliseconds', ${createdAt}) AS c FROM generate_series(1, $1::int) n) t
       RETURNING id, created_at
     ), items AS (
       INSERT INTO order_items (order_id, product_id, name, quantity, unit_price_minor)
       SELECT id, $2::bigint, 'Bench product', 1, 1000 FROM placed
     )
     INSERT INTO order_timers (order_id, kind, due_at, state)
     SELECT id, kind, created_at + hours * interval '1 hour', 'waiting'
     FROM placed CROSS JOIN (VALUES ('reminder-1', 4), ('reminder-2', 12), ('reminder-3', 22), ('expiry', 24)) t (kind, hours)`,
    [count, shop.productIds[0]],
  );
}

/** What an order's creation would have sent: its first timer's message, through the delayed exchange. */
async function wakeUps({ state }: Bench, afterId: number, lastId: number): Promise<void> {
  await state.orders(
    `INSERT INTO outbox (transport, type, destination, routing_key, subject, payload, due_at)
     SELECT 'rabbit', 'order.reminder', 'order.timers', 'order.reminder', order_id::text,
            json_build_object('order_ids', json_build_array(order_id)), due_at
     FROM order_timers WHERE order_id > $1 AND order_id <= $2 AND kind = 'reminder-1' ORDER BY due_at`,
    [afterId, lastId],
  );
}

async function lateness({ state, signal }: Bench, afterId: number, lastId: number, due: number) {
  const startedAtMs = performance.now();
  for (;;) {
    signal.throwIfAborted();
    const [row] = await state.orders<{ fired: number; early: number; p50: number | null; p99: number | null }>(
      `SELECT count(*)::int AS fired, (count(*) FILTER (WHERE late_ms < 0))::int AS early,
              percentile_cont(0.5) WITHIN GROUP (ORDER BY late_ms) AS p50,
              percentile_cont(0.99) WITHIN GROUP (ORDER BY late_ms) AS p99
       FROM (SELECT 1000 * extract(epoch FROM at - (detail->>'due_at')::timestamptz)::float8 AS late_ms
             FROM order_events WHERE order_id > $1 AND order_id <= $2 AND type = 'timer.fired') t`,
      [afterId, lastId],
    );
    const fired = row?.fired ?? 0;
    if (fired >= due || performance.now() - startedAtMs > FIRED_DEADLINE_MS)
      return { fired, early: row?.early ?? 0, p50Ms: row?.p50 ?? 0, p99Ms: row?.p99 ?? 0 };
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
