import { setTimeout as delay } from 'node:timers/promises';

/** Waits, or returns at once when the signal is or becomes aborted: what a loop that runs until it is stopped rests with. */
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
