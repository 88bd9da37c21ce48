import { setTimeout as delay } from 'node:timers/promises';
import { backlog, REST } from './observe.ts';
import type { Probes, Readings } from './probes.ts';

/** Nothing may move any more for this long. */
const STILL_MS = 3_000;
const POLL_MS = 1_000;

export type Quiescence = {
  readonly isQuiet: boolean;
  readonly tookMs: number;
  /** What did not come back, with its last number; `null` when it could not even be asked. */
  readonly left: Readings;
};

/** Waits, no longer than `limitMs`, until every lag is gone, all timers have run, and money and mail are settled. */
export async function quiesce(
  probes: Probes,
  options: { limitMs: number; progress(left: Readings): void; isCancelled(): boolean },
): Promise<Quiescence> {
  const startedMs = performance.now();
  const tookMs = () => Math.round(performance.now() - startedMs);
  let quietSinceMs: number | undefined;
  for (;;) {
    const left = leftOver(await probes.settled());
    const isQuiet = Object.keys(left).length === 0;
    quietSinceMs = isQuiet ? (quietSinceMs ?? performance.now()) : undefined;
    if (quietSinceMs !== undefined && performance.now() - quietSinceMs >= STILL_MS) {
      return { isQuiet: true, tookMs: tookMs(), left };
    }
    if (tookMs() > options.limitMs || options.isCancelled()) return { isQuiet: false, tookMs: tookMs(), left };
    options.progress(left);
    await delay(POLL_MS);
  }
}

/** The names that are not at rest. */
export function leftOver(readings: Readings): Readings {
  const left: Readings = {};
  for (const name of REST) if (backlog(readings, [name]) !== 0) left[name] = readings[name] ?? null;
  return left;
}
