import { setTimeout as delay } from 'node:timers/promises';

/**
 * Answers no sooner than `floorMs` after the start, so that how much work there was cannot be read from the time.
 * Failures are not held back: they say nothing about an address.
 */
export async function noSoonerThan<T>(floorMs: number, work: () => Promise<T>): Promise<T> {
  const [result] = await Promise.all([work(), delay(floorMs)]);
  return result;
}
