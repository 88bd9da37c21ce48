import { setTimeout as delay } from 'node:timers/promises';

const DEFAULT_TIMEOUT_MS = 20_000;
const DEFAULT_INTERVAL_MS = 25;

export type EventuallyOptions = { timeoutMs?: number; intervalMs?: number };

/**
 * Calls `fn` until it does not throw, and returns what it returned. After `timeoutMs` throws an error that says how long it waited,
 * with the last error's message and the last error as its cause.
 */
export async function eventually<T>(
  fn: () => T | Promise<T>,
  { timeoutMs = DEFAULT_TIMEOUT_MS, intervalMs = DEFAULT_INTERVAL_MS }: EventuallyOptions = {},
): Promise<T> {
  const startedMs = performance.now();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await fn();
    } catch (error) {
      const waitedMs = Math.round(performance.now() - startedMs);
      if (waitedMs + intervalMs > timeoutMs) {
        const reason = error instanceof Error ? error.message : String(error);
        throw new Error(`still failing after ${waitedMs} ms and ${attempt} attempts: ${reason}`, { cause: error });
      }
    }
    await delay(intervalMs);
  }
}
