import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@punctual/telemetry';
import type { createFollowUp } from '../commands/follow-up.ts';

export type FollowUpLoopOptions = {
  followUp: ReturnType<typeof createFollowUp>;
  intervalMs: number;
  logger: Logger;
};

/** Looks for payments to finish at an interval, and at once when woken. Any number of processes may: each takes rows of its own. */
export function createFollowUpLoop({ followUp, intervalMs, logger }: FollowUpLoopOptions) {
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
      running ??= run();
    },
    async stop(): Promise<void> {
      stopping.abort();
      await running;
    },
    wake(): void {
      rest.abort();
    },
  };
}

async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(delayMs, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}
