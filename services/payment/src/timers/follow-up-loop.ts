import { pause } from '@punctual/lifecycle';
import type { WorkerPool } from '@punctual/resilience';
import type { Logger } from '@punctual/telemetry';
import type { createFollowUp } from '../commands/follow-up.ts';

export type FollowUpLoopOptions = {
  followUp: ReturnType<typeof createFollowUp>;
  intervalMs: number;
  /** Where the follow-up works; the loop stops it. */
  pool: WorkerPool;
  logger: Logger;
};

/** Looks for payments to finish at an interval, and at once when woken. Any number of processes may: each takes rows of its own. */
export function createFollowUpLoop({ followUp, intervalMs, pool, logger }: FollowUpLoopOptions) {
  const stopping = new AbortController();
  let rest = new AbortController();
  let running: Promise<void> | undefined;

  async function look(): Promise<boolean> {
    try {
      return await followUp();
    } catch (error) {
      logger.warn('follow-up of payments waits', { error });
      return false;
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      rest = new AbortController();
      if (!(await look())) await pause(intervalMs, AbortSignal.any([stopping.signal, rest.signal]));
    }
  }

  return {
    name: 'follow-up',
    async start(): Promise<void> {
      await pool.start();
      running ??= run();
    },
    async stop(): Promise<void> {
      stopping.abort();
      await pool.stop();
      await running;
    },
    wake(): void {
      rest.abort();
    },
  };
}
