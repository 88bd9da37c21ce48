import { type Component, pause } from '@punctual/lifecycle';
import { type Database, execute } from '@punctual/postgres';
import type { Logger } from '@punctual/telemetry';
import { createOutage } from './outage.ts';

const DAY_MS = 86_400_000;
const DEFAULT_INTERVAL_MS = 60_000;
const DEFAULT_BATCH = 5_000;
const BETWEEN_BATCHES_MS = 100;

export type InboxPrunerOptions = {
  readonly db: Database;
  readonly logger: Logger;
  /** Must exceed the longest time a broker can redeliver; 7 days when absent. */
  readonly retentionMs?: number;
  readonly intervalMs?: number;
  readonly batch?: number;
};

// SKIP LOCKED lets every replica prune without two of them waiting for each other.
const DELETE = `
  DELETE FROM inbox WHERE (consumer, event_id) IN (
    SELECT consumer, event_id FROM inbox WHERE at < now() - ? * interval '1 millisecond'
    ORDER BY at LIMIT ? FOR UPDATE SKIP LOCKED)`;

/** Deletes inbox rows older than the retention, in bounded batches. Safe to run in every replica. */
export function createInboxPruner(options: InboxPrunerOptions): Component {
  const { db, retentionMs = 7 * DAY_MS, intervalMs = DEFAULT_INTERVAL_MS, batch = DEFAULT_BATCH } = options;
  const outage = createOutage('inbox pruning', options.logger);
  const stopping = new AbortController();
  let running: Promise<void> | undefined;

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      let isMore = false;
      try {
        isMore = (await execute(db.primary, DELETE, [retentionMs, batch])) === batch;
        outage.recovered();
      } catch (error) {
        outage.failed(error);
      }
      await pause(isMore ? BETWEEN_BATCHES_MS : intervalMs, stopping.signal);
    }
  }

  return {
    name: 'inbox-pruner',
    async start() {
      running ??= run();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
