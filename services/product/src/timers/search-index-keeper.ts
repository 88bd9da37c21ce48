import { pause } from '@punctual/lifecycle';
import type { Logger } from '@punctual/telemetry';

const CHECK_EVERY_MS = 5_000;

/**
 * Looks again and again whether there is a search index, and has it made when there is none: at the first start, and after
 * OpenSearch has lost its data. Starting does not wait for it.
 */
export function createSearchIndexKeeper({
  hasIndex,
  make,
  logger,
}: {
  hasIndex: () => Promise<boolean>;
  make: (signal: AbortSignal) => Promise<void>;
  logger: Logger;
}) {
  const stopping = new AbortController();
  const { signal } = stopping;
  let loop: Promise<void> | undefined;
  let isFailing = false;

  async function check(): Promise<void> {
    try {
      if (!(await hasIndex())) {
        logger.info('there is no search index, it is being made');
        await make(signal);
        logger.info('the search index is there');
      }
      isFailing = false;
    } catch (error) {
      // Told once per outage; what is searched meanwhile is answered by Postgres.
      if (!isFailing && !signal.aborted)
        logger.warn('the search index cannot be looked after, to be tried again', { error });
      isFailing = true;
    }
  }

  async function keep(): Promise<void> {
    while (!signal.aborted) {
      await check();
      await pause(CHECK_EVERY_MS, signal);
    }
  }

  return {
    name: 'search index keeper',
    async start(): Promise<void> {
      loop ??= keep();
    },
    async stop(): Promise<void> {
      stopping.abort();
      await loop;
    },
  };
}
