import { pause } from '@punctual/lifecycle';
import { type Database, one } from '@punctual/postgres';
import type { Logger, Metrics } from '@punctual/telemetry';
import { createOutage } from '../outage.ts';

const OBSERVE_EVERY_MS = 5_000;
/** Counting stops here: a backlog beyond it is all the same to an alarm, and counting it would add to the load. */
const MAX_COUNT = 200_000;

export function relayMetrics(metrics: Metrics) {
  return {
    rows: metrics.gauge({
      name: 'outbox_rows',
      help: `Rows waiting in the outbox, counted up to ${MAX_COUNT}; 0 where another process holds the lease.`,
      labelNames: ['transport'],
    }),
    oldestAge: metrics.gauge({
      name: 'outbox_oldest_age_seconds',
      help: 'Age of the oldest row of the outbox; 0 when it is empty.',
      labelNames: ['transport'],
    }),
    published: metrics.counter({
      name: 'relay_published_total',
      help: 'Outbox rows that a broker has confirmed.',
      labelNames: ['transport'],
    }),
    errors: metrics.counter({
      name: 'relay_publish_errors_total',
      help: 'unavailable: batches that failed. refused: single messages that the broker would not take.',
      labelNames: ['transport', 'reason'],
    }),
  };
}

export type RelayMetrics = ReturnType<typeof relayMetrics>;

type ObserveOptions = {
  readonly db: Database;
  readonly metrics: RelayMetrics;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  readonly transports: readonly string[];
};

const OBSERVE = `
  SELECT (SELECT count(*) FROM (SELECT FROM outbox WHERE transport = :transport LIMIT :limit) AS counted) AS waiting,
         coalesce((SELECT extract(epoch FROM now() - created_at)
                   FROM outbox WHERE transport = :transport ORDER BY id LIMIT 1), 0)::float8 AS oldest_age`;

/** Keeps the gauges current until the signal is aborted, then sets them to 0: the next holder of the lease reports. */
export async function observeOutbox({ db, metrics, logger, signal, transports }: ObserveOptions): Promise<void> {
  const outage = createOutage('outbox metrics', logger);
  while (!signal.aborted) {
    for (const transport of transports) {
      try {
        const found = await one<{ waiting: number; oldest_age: number }>(db.primary, OBSERVE, {
          transport,
          limit: MAX_COUNT,
        });
        metrics.rows.set({ transport }, found?.waiting ?? 0);
        metrics.oldestAge.set({ transport }, Math.max(0, found?.oldest_age ?? 0));
        outage.recovered();
      } catch (error) {
        outage.failed(error);
      }
    }
    await pause(OBSERVE_EVERY_MS, signal);
  }
  for (const transport of transports) {
    metrics.rows.set({ transport }, 0);
    metrics.oldestAge.set({ transport }, 0);
  }
}
