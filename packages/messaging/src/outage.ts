import type { Logger } from '@punctual/telemetry';

const REMIND_MS = 60_000;

export type Outage = {
  failed(error: unknown): void;
  recovered(): void;
  /** The last error while the outage lasts. */
  readonly error: Error | undefined;
};

/** Logs an outage as it begins, once a minute while it lasts, and as it ends: not once per failed attempt. */
export function createOutage(what: string, logger: Logger): Outage {
  let since: number | undefined;
  let reminded = 0;
  let attempts = 0;
  let last: Error | undefined;
  return {
    get error() {
      return last;
    },
    failed(error) {
      attempts += 1;
      last = error instanceof Error ? error : new Error(String(error));
      const now = Date.now();
      since ??= now;
      if (attempts > 1 && now - reminded < REMIND_MS) return;
      reminded = now;
      logger.warn('failing, retrying for ever', { what, error: last.message, attempts, since_ms: now - since });
    },
    recovered() {
      if (since !== undefined) logger.info('recovered', { what, attempts, outage_ms: Date.now() - since });
      since = undefined;
      attempts = 0;
      last = undefined;
    },
  };
}
