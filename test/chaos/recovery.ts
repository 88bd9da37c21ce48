import { setTimeout as delay } from 'node:timers/promises';
import { backlog } from './observe.ts';
import type { Readings } from './probes.ts';

const POLL_MS = 250;
/** Rows and messages that may be under way at any moment: what arrives in this time at the run's rate, and a few more. */
const UNDER_WAY_SECONDS = 4;
const ALWAYS_ALLOWED = 20;

export function allowedBacklog(rate: number): number {
  return ALWAYS_ALLOWED + Math.ceil(UNDER_WAY_SECONDS * rate);
}

/** From now until an order is accepted and the backlog is small again, in milliseconds. Null when `isOver` comes first. */
export async function recovery(options: {
  /** Resolves with true when the shop has accepted an order. */
  order(): Promise<boolean>;
  readings(): Readings;
  allowed: number;
  isOver(): boolean;
}): Promise<number | null> {
  const startedMs = performance.now();
  while (!(await options.order())) {
    if (options.isOver()) return null;
    await delay(POLL_MS);
  }
  for (;;) {
    const waiting = backlog(options.readings());
    if (waiting !== null && waiting <= options.allowed) return Math.round(performance.now() - startedMs);
    if (options.isOver()) return null;
    await delay(POLL_MS);
  }
}
