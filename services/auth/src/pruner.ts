import type { Component } from '@punctual/lifecycle';
import type { Database } from '@punctual/postgres';
import type { Logger } from '@punctual/telemetry';
import { prune } from './commands/prune.ts';

const INTERVAL_MS = 600_000;

/** Prunes at the start and every ten minutes. Safe in every replica: what one deletes the other does not find. */
export function createPruner({ db, logger }: { readonly db: Database; readonly logger: Logger }): Component {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> = Promise.resolve();

  async function run(): Promise<void> {
    try {
      const pruned = await prune({ db });
      if (Object.values(pruned).some((count) => count > 0)) logger.info('pruned', pruned);
    } catch (error) {
      // Nothing depends on it; the next run deletes what this one has left.
      logger.warn('pruning failed', { error });
    }
  }

  function runInTurn(): void {
    running = running.then(run);
  }

  return {
    name: 'pruner',
    async start() {
      runInTurn();
      timer = setInterval(runInTurn, INTERVAL_MS);
    },
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}
