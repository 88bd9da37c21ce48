import { setTimeout as delay } from 'node:timers/promises';

export type Backoff = { readonly firstMs: number; readonly maxMs: number };

const JITTER = 0.25;

/** Doubles from `firstMs` up to `maxMs`, less or more by up to a quarter so that many processes do not return as one. */
export function backoffMs(failures: number, { firstMs, maxMs }: Backoff, random: () => number = Math.random): number {
  const base = Math.min(maxMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return Math.round(base * (1 - JITTER + 2 * JITTER * random()));
}

/** Waits, or returns at once when the signal is or becomes aborted. */
export async function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  try {
    await delay(delayMs, undefined, { signal });
  } catch (error) {
    if (!signal.aborted) throw error;
  }
}

/** The result of `work`, or an error after `timeoutMs`; the work itself goes on. */
export async function within<T>(timeoutMs: number, what: string, work: Promise<T>): Promise<T> {
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => timeout.reject(new Error(`${what}: no answer within ${timeoutMs} ms`)), timeoutMs);
  try {
    return await Promise.race([work, timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}
