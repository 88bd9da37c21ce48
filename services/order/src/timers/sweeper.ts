import { pause } from '@punctual/lifecycle';
import { type Database, leased } from '@punctual/postgres';
import type { Logger } from '@punctual/telemetry';
import type { createSweepTimers } from '../commands/sweep-timers.ts';

const LEASE_NAME = 'order-timer-sweeper';

export type SweeperOptions = {
  db: Database;
  sweepTimers: ReturnType<typeof createSweepTimers>;
  intervalMs: number;
  logger: Logger;
};

/** Sweeps at an interval, in one process at a time. */
export function createSweeper({ db, sweepTimers, intervalMs, logger }: SweeperOptions) {
  return leased({
    db,
    name: LEASE_NAME,
    logger,
    async run(lease) {
      while (lease.isHeld()) {
        await sweepTimers(() => lease.isHeld());
        await pause(intervalMs, lease.signal);
      }
    },
  });
}
