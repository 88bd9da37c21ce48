export type Backoff = { readonly firstMs: number; readonly maxMs: number };

const JITTER = 0.25;

/** Doubles from `firstMs` up to `maxMs`, less or more by up to a quarter so that many processes do not return as one. */
export function backoffMs(failures: number, { firstMs, maxMs }: Backoff, random: () => number = Math.random): number {
  const base = Math.min(maxMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return Math.round(base * (1 - JITTER + 2 * JITTER * random()));
}
