import type { Database } from '@punctual/postgres';
import type { Metrics } from '@punctual/telemetry';
import { countOverdueTimers, findOverdueOrders } from '../store/timers.ts';
import type { FireDueTimers } from './fire-due-timers.ts';

const BATCH = 200;
/** Bounds one sweep, so that the lease is looked at and the gauge is current however much is due. */
const MAX_BATCHES = 50;

export type SweepTimersOptions = {
  db: Database;
  fireDueTimers: FireDueTimers;
  /** How long a timer may be due before it is taken that the broker has lost its wake-up. */
  graceMs: number;
  metrics: Metrics;
};

/**
 * Makes the command that fires what the broker did not wake: its data wiped, or away for hours. Due expiries come first,
 * since they make due reminders pointless. `mayContinue` is asked before every batch.
 */
export function createSweepTimers({ db, fireDueTimers, graceMs, metrics }: SweepTimersOptions) {
  const overdue = metrics.gauge({
    name: 'timers_overdue',
    help: 'Timers due for longer than the grace, before a sweep',
  });

  return async function sweepTimers(mayContinue: () => boolean): Promise<void> {
    overdue.set(await countOverdueTimers(db.primary, { graceMs }));
    for (let batch = 0; batch < MAX_BATCHES && mayContinue(); batch += 1) {
      const orderIds = await findOverdueOrders(db.primary, { graceMs, limit: BATCH });
      if (orderIds.length === 0) return;
      const fired = await fireDueTimers(
        orderIds.map((orderId) => ({ orderId })),
        { by: 'sweeper' },
      );
      // All that is left is locked by somebody who works on it.
      if (fired === 0) return;
    }
  };
}
