import { MAIL_QUEUE } from '@punctual/messaging';
import { connect } from 'amqplib';
import { Client, type QueryResultRow } from 'pg';
import { inDatabase } from '../postgres.ts';
import type { Settings } from '../stack.ts';

const POLL_MS = 50;
const SAMPLE_MS = 500;
const SECOND_MS = 1_000;
/** How far behind the newest order one may still be unreserved and unseen by the next look. */
const FLOOR_MARGIN_MS = 2_000;

export type LagSample = {
  /** From the start of the load. */
  readonly atMs: number;
  /** Age of the oldest order that still waits for its stock; 0 when none does. */
  readonly reservationLagMs: number;
  /** Rows that wait for the relays of order and product. */
  readonly outboxRows: number;
};

export type ShopState = {
  orders<Row extends QueryResultRow>(sql: string, values?: unknown[]): Promise<Row[]>;
  products<Row extends QueryResultRow>(sql: string, values?: unknown[]): Promise<Row[]>;
  newestOrderId(): Promise<number>;
  walPosition(): Promise<number>;
  /** Samples until the function that it returns is called. */
  watchLag(): () => Promise<LagSample[]>;
  /** Milliseconds until no order waited for its stock and no outbox row for its relay; undefined when some still do. */
  untilReserved(deadlineMs: number): Promise<number | undefined>;
  /** Waits until no mail job is queued, or the deadline has passed; returns how many still are. */
  untilMailed(deadlineMs: number): Promise<number>;
  /** From creation to reservation, of all orders with a higher id. */
  reservationTimes(afterId: number): Promise<{ orders: number; p50Ms: number; p99Ms: number }>;
  close(): Promise<void>;
};

/** Looks into the services' databases, on few connections that stay open. */
export async function openShopState(settings: Settings): Promise<ShopState> {
  const open = async (database: string) => {
    const url = inDatabase(settings.POSTGRES_ADMIN_URL, `${settings.DATABASE_PREFIX}_${database}`);
    const client = new Client({ connectionString: url, application_name: 'bench' });
    await client.connect();
    return client;
  };
  const order = await open('order');
  const product = await open('product');
  const rabbit = await connect(settings.RABBITMQ_URL);
  const channel = await rabbit.createChannel();
  let floor = new Date(0);

  const orders = async <Row extends QueryResultRow>(sql: string, values: unknown[] = []) =>
    (await order.query<Row>(sql, values)).rows;
  const products = async <Row extends QueryResultRow>(sql: string, values: unknown[] = []) =>
    (await product.query<Row>(sql, values)).rows;

  /** Walks the index from the oldest order that was not reserved when last looked at. */
  async function reservationLagMs(): Promise<number> {
    const [row] = await orders<{ now: Date; oldest: Date | null }>(
      `SELECT now() AS now, (SELECT created_at FROM orders WHERE created_at >= $1 AND stock = 'pending' AND status = 'PENDING'
                             ORDER BY created_at LIMIT 1) AS oldest`,
      [floor],
    );
    if (row === undefined) return 0;
    floor = row.oldest ?? new Date(+row.now - FLOOR_MARGIN_MS);
    return row.oldest === null ? 0 : Math.max(0, +row.now - +row.oldest);
  }
  async function outboxRows(): Promise<number> {
    const sql = 'SELECT count(*)::int AS rows FROM outbox';
    const counts = [await orders<{ rows: number }>(sql), await products<{ rows: number }>(sql)];
    return counts.reduce((sum, [row]) => sum + (row?.rows ?? 0), 0);
  }

  return {
    orders,
    products,
    async newestOrderId() {
      return Number((await orders<{ id: string }>('SELECT coalesce(max(id), 0) AS id FROM orders'))[0]?.id ?? 0);
    },
    async walPosition() {
      const sql = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::text AS bytes";
      return Number((await orders<{ bytes: string }>(sql))[0]?.bytes ?? 0);
    },
    watchLag() {
      const startedAtMs = performance.now();
      const samples: LagSample[] = [];
      let isStopped = false;
      const watching = (async () => {
        while (!isStopped) {
          const atMs = performance.now() - startedAtMs;
          samples.push({ atMs, reservationLagMs: await reservationLagMs(), outboxRows: await outboxRows() });
          await pause(SAMPLE_MS);
        }
      })();
      const outcome = Promise.allSettled([watching]);
      return async () => {
        isStopped = true;
        await outcome;
        await watching;
        return samples;
      };
    },
    async untilReserved(deadlineMs) {
      const startedAtMs = performance.now();
      for (;;) {
        const tookMs = performance.now() - startedAtMs;
        if ((await reservationLagMs()) === 0 && (await outboxRows()) === 0) return tookMs;
        if (tookMs > deadlineMs) return undefined;
        await pause(POLL_MS);
      }
    },
    async untilMailed(deadlineMs) {
      const startedAtMs = performance.now();
      for (;;) {
        const { messageCount } = await channel.checkQueue(MAIL_QUEUE);
        if (messageCount === 0 || performance.now() - startedAtMs > deadlineMs) return messageCount;
        await pause(POLL_MS);
      }
    },
    async reservationTimes(afterId) {
      const [row] = await orders<{ orders: number; p50: number | null; p99: number | null }>(
        `SELECT count(*)::int AS orders, percentile_cont(0.5) WITHIN GROUP (ORDER BY took) AS p50,
                percentile_cont(0.99) WITHIN GROUP (ORDER BY took) AS p99
         FROM (SELECT extract(epoch FROM e.at - o.created_at)::float8 AS took
               FROM orders o JOIN order_events e ON e.order_id = o.id AND e.type = 'stock.reserved' WHERE o.id > $1) t`,
        [afterId],
      );
      return { orders: row?.orders ?? 0, p50Ms: (row?.p50 ?? 0) * SECOND_MS, p99Ms: (row?.p99 ?? 0) * SECOND_MS };
    },
    async close() {
      await rabbit.close();
      await order.end();
      await product.end();
    },
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
