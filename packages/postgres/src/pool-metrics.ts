import type { Metrics } from '@punctual/telemetry';

const TRANSACTION_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What is counted of knex's pool. */
export type Pool = { numUsed(): number; numFree(): number; numPendingAcquires(): number };

/** Registers `postgres_pool_connections` over the pools and returns the histogram `postgres_transaction_seconds`. */
export function observePools(metrics: Metrics, pools: Readonly<Record<string, Pool>>) {
  metrics.gauge({
    name: 'postgres_pool_connections',
    help: 'Connections in use, idle, and callers that wait for one',
    labelNames: ['pool', 'state'],
    collect() {
      for (const [pool, { numUsed, numFree, numPendingAcquires }] of Object.entries(pools).map(bindPool)) {
        this.set({ pool, state: 'in_use' }, numUsed());
        this.set({ pool, state: 'idle' }, numFree());
        this.set({ pool, state: 'pending' }, numPendingAcquires());
      }
    },
  });
  return metrics.histogram({
    name: 'postgres_transaction_seconds',
    help: 'From asking for a connection to the end of the transaction',
    labelNames: ['outcome'],
    buckets: TRANSACTION_BUCKETS_SECONDS,
  });
}

function bindPool([name, pool]: [string, Pool]): [string, Pool] {
  return [
    name,
    {
      numUsed: () => pool.numUsed(),
      numFree: () => pool.numFree(),
      numPendingAcquires: () => pool.numPendingAcquires(),
    },
  ];
}
