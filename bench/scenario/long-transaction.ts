import { Client } from 'pg';
import { inDatabase } from '../postgres.ts';
import type { Bench, StepResult } from '../step.ts';
import { uniform } from '../workloads.ts';
import { orderRate } from './order-rate.ts';
import type { Finding, RateOptions } from './workload.ts';

const DATABASES = ['order', 'product', 'mail'];
const OUTBOX_PROBE = `SELECT pg_stat_get_dead_tuples('outbox'::regclass)::float8 AS dead, pg_total_relation_size('outbox')::float8 AS bytes`;

type Bloat = { dead: number; bytes: number };

/**
 * While a snapshot is held, no row that is deleted after it can be removed, and the outbox is nothing but rows that are soon
 * deleted. Each step begins with a vacuumed outbox and a new snapshot.
 */
export async function longTransaction(bench: Bench, options: RateOptions): Promise<Finding> {
  const bloats = new Map<StepResult, Bloat>();
  const around = async (step: () => Promise<StepResult>) => {
    await bench.state.orders('VACUUM outbox');
    await bench.state.products('VACUUM outbox');
    const release = await holdSnapshots(bench);
    try {
      const taken = await step();
      const [bloat] = await bench.state.orders<Bloat>(OUTBOX_PROBE);
      if (bloat !== undefined) bloats.set(taken, bloat);
      return taken;
    } finally {
      await release();
    }
  };
  const orders = await orderRate(bench, (run) => uniform(bench.shop, run), { ...options, around });
  const { calm } = orders;
  const bloat = calm && bloats.get(calm);
  const mostRows = Math.max(0, ...(calm?.lag ?? []).map(({ outboxRows }) => outboxRows));
  const mostLagMs = Math.max(0, ...(calm?.lag ?? []).map(({ reservationLagMs }) => reservationLagMs));
  return {
    orders,
    facts: [
      ...(options.uniformMax === undefined || orders.maxPerSecond === undefined
        ? []
        : [{ name: 'rate, of W1', value: `${((100 * orders.maxPerSecond) / options.uniformMax).toFixed(0)} %` }]),
      { name: 'dead rows in the outbox of order after the calm step', value: bloat?.dead ?? 0 },
      { name: 'size of that outbox', value: (bloat?.bytes ?? 0) / 2 ** 20, unit: 'MB' },
      { name: 'most rows that waited for a relay', value: mostRows },
      { name: 'longest wait for stock seen', value: mostLagMs, unit: 'ms' },
    ],
    problems: [],
  };
}

async function holdSnapshots({ stack }: Bench): Promise<() => Promise<void>> {
  const { POSTGRES_ADMIN_URL, DATABASE_PREFIX } = stack.settings;
  const clients: Client[] = [];
  for (const database of DATABASES) {
    const client = new Client({ connectionString: inDatabase(POSTGRES_ADMIN_URL, `${DATABASE_PREFIX}_${database}`) });
    await client.connect();
    clients.push(client);
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await client.query('SELECT 1');
  }
  return async () => {
    for (const client of clients) await client.end();
  };
}
