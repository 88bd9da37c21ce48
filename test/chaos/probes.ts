/** The numbers that tell whether the platform keeps up, each asked of the server that knows it. */
import { within } from '@punctual/lifecycle';
import { type Admin, Kafka, logLevel } from 'kafkajs';
import { Pool } from 'pg';
import type { Settings } from './stack.ts';

/** Name of a number → its value; null while it cannot be had. */
export type Readings = Record<string, number | null>;

export type Probes = {
  /** Everything at once; what does not answer in time is null. */
  read(): Promise<Readings>;
  /** Takes no time limit of a second: for who waits anyway. */
  settled(): Promise<Readings>;
  close(): Promise<void>;
};

const OUTBOX_SERVICES = ['auth', 'product', 'order', 'payment'] as const;
/** Which group reads which topic. */
export const GROUPS = {
  product: 'order',
  'order-stock': 'stock',
  'order-product': 'product',
  'order-payment': 'payment',
  'payment-order': 'order',
} as const;
const QUICK_MS = 900;
/** An answer that came late still counts for this long, so that a busy machine does not look like one that is down. */
const FRESH_MS = 5_000;
const PATIENT_MS = 8_000;
/** What is asked of the order database besides its outbox. A timer is overdue when the sweeper should have come by. */
const TIMERS_SQL = `
  SELECT count(*) FILTER (WHERE due_at < now() - interval '5 seconds')::int AS overdue, count(*)::int AS waiting
  FROM order_timers WHERE state = 'waiting'`;
const ORDERS_SQL = `SELECT count(*)::int AS undecided FROM orders WHERE status = 'PENDING' AND stock = 'pending'`;
const OUTBOX_SQL = `
  SELECT count(*)::int AS rows, coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS age FROM outbox`;
/** Mail jobs that RabbitMQ has and the mail service has not finished with. */
const RECEIPTS_SQL = `SELECT count(*)::int AS open FROM outbox_sent`;
const PAYMENTS_SQL = `
  SELECT count(*) FILTER (WHERE status = 'processing')::int AS open,
         count(*) FILTER (WHERE refund_wanted_at IS NOT NULL AND refunded_at IS NULL)::int AS refunds
  FROM payments`;
const MAILS_SQL = `SELECT count(*)::int AS open FROM mails WHERE status IN ('sending', 'deferred')`;
const REPLICA_SQL = `
  SELECT CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
              ELSE greatest(0, extract(epoch FROM now() - pg_last_xact_replay_timestamp()))::float8 END AS lag`;

export function createProbes(settings: Settings): Probes {
  const pools = new Map<string, Pool>();
  const pool = (url: string): Pool => {
    let found = pools.get(url);
    if (found === undefined) {
      found = new Pool({
        connectionString: url,
        max: 1,
        connectionTimeoutMillis: PATIENT_MS,
        query_timeout: PATIENT_MS,
      });
      // A server that is killed takes its idle connections with it; the next query opens another.
      found.on('error', () => undefined);
      pools.set(url, found);
    }
    return found;
  };
  const databaseUrl = (service: string) => {
    const url = new URL(settings.POSTGRES_ADMIN_URL);
    url.pathname = `/${settings.DATABASE_PREFIX}_${service}`;
    return url.href;
  };
  const row = async (url: string, sql: string): Promise<Record<string, number>> => {
    const { rows } = await pool(url).query<Record<string, number>>(sql);
    return rows[0] ?? {};
  };
  const kafka = new Kafka({
    clientId: 'chaos-probe',
    brokers: settings.KAFKA_BROKERS.split(','),
    logLevel: logLevel.NOTHING,
    connectionTimeout: 2_000,
    requestTimeout: 5_000,
    retry: { retries: 1 },
  });
  let connected: Promise<Admin> | undefined;

  async function kafkaLags(): Promise<Readings> {
    const connecting = connected ?? connect(kafka);
    connected = connecting;
    try {
      const admin = await within(PATIENT_MS, 'Kafka', connecting);
      const lags = Object.entries(GROUPS).map(async ([group, topic]): Promise<[string, number]> => {
        const [ends, [committed]] = await Promise.all([
          admin.fetchTopicOffsets(topic),
          admin.fetchOffsets({ groupId: group, topics: [topic] }),
        ]);
        return [`kafka ${group}`, lagOf(ends, committed?.partitions ?? [])];
      });
      return Object.fromEntries(await within(PATIENT_MS, 'Kafka', Promise.all(lags)));
    } catch (error) {
      // Connecting anew is the surest way back after a restart of the broker. Nobody waits for the old connection's end.
      connected = undefined;
      void Promise.allSettled([connecting.then((admin) => admin.disconnect())]);
      throw error;
    }
  }

  async function queueDepths(): Promise<Readings> {
    const login = Buffer.from(`${settings.RABBITMQ_USER}:${settings.RABBITMQ_PASSWORD}`).toString('base64');
    const response = await fetch(`${settings.RABBITMQ_MANAGEMENT_URL}/api/queues?disable_stats=false`, {
      headers: { authorization: `Basic ${login}` },
      signal: AbortSignal.timeout(PATIENT_MS),
    });
    if (!response.ok) throw new Error(`RabbitMQ's management answers ${response.status}`);
    const queues = (await response.json()) as { name: string; messages?: number }[];
    return queueReadings(queues);
  }

  const sources: { readonly names: readonly string[]; read(): Promise<Readings> }[] = [
    ...OUTBOX_SERVICES.map((service) => ({
      names: [`outbox ${service}`, `outbox age ${service}`],
      async read() {
        const { rows, age } = await row(databaseUrl(service), OUTBOX_SQL);
        return { [`outbox ${service}`]: rows ?? null, [`outbox age ${service}`]: age ?? null };
      },
    })),
    {
      names: ['timers overdue', 'timers waiting', 'orders undecided'],
      async read() {
        const timers = await row(databaseUrl('order'), TIMERS_SQL);
        const orders = await row(databaseUrl('order'), ORDERS_SQL);
        return {
          'timers overdue': timers.overdue ?? null,
          'timers waiting': timers.waiting ?? null,
          'orders undecided': orders.undecided ?? null,
        };
      },
    },
    ...(['auth', 'order'] as const).map((service) => ({
      names: [`receipts ${service}`],
      read: async () => ({ [`receipts ${service}`]: (await row(databaseUrl(service), RECEIPTS_SQL)).open ?? null }),
    })),
    {
      names: ['payments open', 'refunds open'],
      async read() {
        const { open, refunds } = await row(databaseUrl('payment'), PAYMENTS_SQL);
        return { 'payments open': open ?? null, 'refunds open': refunds ?? null };
      },
    },
    {
      names: ['mails open'],
      read: async () => ({ 'mails open': (await row(databaseUrl('mail'), MAILS_SQL)).open ?? null }),
    },
    {
      names: ['replica lag'],
      read: async () => ({ 'replica lag': (await row(settings.POSTGRES_REPLICA_ADMIN_URL, REPLICA_SQL)).lag ?? null }),
    },
    { names: Object.keys(GROUPS).map((group) => `kafka ${group}`), read: kafkaLags },
    { names: ['queue mail', 'queue timers'], read: queueDepths },
  ];
  // A source that is still at work is not asked again, so that a server that hangs does not collect questions.
  const running = new Map<object, Promise<Readings>>();
  const known = new Map<object, { readonly atMs: number; readonly readings: Readings }>();

  function ask(source: (typeof sources)[number]): Promise<Readings> {
    const asked = running.get(source);
    if (asked !== undefined) return asked;
    const work = (async () => {
      try {
        const readings = await within(PATIENT_MS, source.names.join(), source.read());
        known.set(source, { atMs: performance.now(), readings });
        return readings;
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        known.delete(source);
        return Object.fromEntries(source.names.map((name) => [name, null]));
      } finally {
        running.delete(source);
      }
    })();
    running.set(source, work);
    return work;
  }

  async function readWithin(limitMs: number): Promise<Readings> {
    const all = await Promise.all(
      sources.map((source) =>
        quickly(limitMs, ask(source), () => {
          const last = known.get(source);
          return last !== undefined && performance.now() - last.atMs < FRESH_MS
            ? last.readings
            : Object.fromEntries(source.names.map((name) => [name, null]));
        }),
      ),
    );
    return Object.assign({}, ...all);
  }

  return {
    read: () => readWithin(QUICK_MS),
    settled: () => readWithin(PATIENT_MS),
    async close() {
      await Promise.all([...running.values()]);
      await Promise.allSettled([...pools.values()].map((open) => open.end()));
      const admin = await Promise.allSettled([connected]);
      if (admin[0]?.status === 'fulfilled') await admin[0].value?.disconnect();
    },
  };
}

async function connect(kafka: Kafka): Promise<Admin> {
  const admin = kafka.admin();
  await admin.connect();
  return admin;
}

async function quickly(limitMs: number, work: Promise<Readings>, otherwise: () => Readings): Promise<Readings> {
  const { promise, resolve } = Promise.withResolvers<Readings>();
  const timer = setTimeout(() => resolve(otherwise()), limitMs);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

type Offset = { readonly partition: number; readonly offset: string };

/** Records that a group has not committed yet. A partition without a commit counts from its beginning. */
export function lagOf(ends: readonly Offset[], committed: readonly Offset[]): number {
  let lag = 0;
  for (const { partition, offset } of ends) {
    const done = Number(committed.find((one) => one.partition === partition)?.offset ?? -1);
    lag += Math.max(0, Number(offset) - Math.max(0, done));
  }
  return lag;
}

/** Messages that somebody should be working on; delays wait on purpose, and dead letters are the checker's. */
export function queueReadings(queues: readonly { name: string; messages?: number }[]): Readings {
  const messages = (wanted: string) => queues.find(({ name }) => name === wanted)?.messages ?? null;
  return { 'queue mail': messages('mail.jobs'), 'queue timers': messages('order.timers.due') };
}
