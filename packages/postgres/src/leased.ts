import { pause } from '@punctual/lifecycle';
import type { Logger } from '@punctual/telemetry';
import type { Database } from './database.ts';
import { acquireLease, type Lease } from './lease.ts';

const DEFAULT_TTL_MS = 10_000;
/** A waiting process asks this often per life of the lease. */
const TRIES_PER_TTL = 3;

export type LeasedOptions = {
  db: Database;
  /** The lease's name, and the component's. */
  name: string;
  logger: Logger;
  ttlMs?: number | undefined;
  /** Works until `lease.signal` is aborted. When it returns or throws, the lease is given up and asked for again after a while. */
  run(lease: Lease): Promise<void>;
};

/** A component that does its work in one process at a time, however many run it. Starting does not wait for the lease. */
export function leased({ db, name, logger, ttlMs = DEFAULT_TTL_MS, run }: LeasedOptions) {
  const stopping = new AbortController();
  let lease: Lease | undefined;
  let loop: Promise<void> | undefined;

  async function holdAndRun(): Promise<void> {
    try {
      lease = await acquireLease(db, name, { ttlMs, logger });
      if (lease === undefined) return;
      if (stopping.signal.aborted) return;
      logger.info('lease acquired', { lease: name });
      await run(lease);
    } catch (error) {
      logger.error('leased work failed, to be started again', { lease: name, error });
    } finally {
      await lease?.release();
      lease = undefined;
    }
  }

  async function keepTrying(): Promise<void> {
    while (!stopping.signal.aborted) {
      await holdAndRun();
      await pause(ttlMs / TRIES_PER_TTL, stopping.signal);
    }
  }

  return {
    name,
    async start(): Promise<void> {
      loop ??= keepTrying();
    },
    async stop(): Promise<void> {
      stopping.abort();
      await lease?.release();
      await loop;
    },
    isHeld: (): boolean => lease?.isHeld() ?? false,
  };
}
