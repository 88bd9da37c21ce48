import { createRandom } from './random.ts';
import type { Fault } from './types.ts';

export type Strike = {
  /** Since the load began. */
  readonly atMs: number;
  readonly fault: string;
  readonly target: string;
  readonly lastsMs: number;
};

export type ScheduleOptions = {
  readonly seed: number;
  readonly minutes: number;
  /** Before the first fault, so that the run shows what undisturbed looks like. */
  readonly quietHeadMs?: number;
  /** After the last healing. */
  readonly quietTailMs?: number;
  /** Between a healing and the next strike. */
  readonly gapMs?: readonly [minimum: number, maximum: number];
  /** The share of strikes that come while the one before still lasts. */
  readonly overlap?: number;
};

type Plan = Pick<Fault, 'name' | 'targets' | 'lastsMs'>;

const MINUTE_MS = 60_000;
const DEFAULT_GAP_MS = [6_000, 14_000] as const;
const DEFAULT_OVERLAP = 0.15;
/** A share of the run, within bounds that are long enough to heal in and short enough to leave room for faults. */
const HEAD = { share: 0.1, leastMs: 5_000, mostMs: 15_000 };
const TAIL = { share: 0.15, leastMs: 8_000, mostMs: 40_000 };

/**
 * Which fault strikes what, when and for how long: made from the seed alone, so the same seed gives the same schedule. Every
 * fault comes once before any comes twice, and so do the targets of a fault. At most two faults last at a time. A run
 * too short for a fault's usual time strikes it for as long as there is room, but not below its minimum.
 */
export function createSchedule(faults: readonly Plan[], options: ScheduleOptions): Strike[] {
  const random = createRandom(options.seed, 'schedule');
  const totalMs = options.minutes * MINUTE_MS;
  const headMs = options.quietHeadMs ?? bounded(totalMs, HEAD);
  const endMs = totalMs - (options.quietTailMs ?? bounded(totalMs, TAIL));
  const [gapMinMs, gapMaxMs] = options.gapMs ?? DEFAULT_GAP_MS;
  const overlap = options.overlap ?? DEFAULT_OVERLAP;
  const strikes: Strike[] = [];
  const targets = new Map<string, string[]>();
  if (faults.length === 0) return strikes;

  let atMs = headMs;
  let latestHealMs = headMs;
  let overlapped = false;
  for (;;) {
    const round = random.shuffled(faults);
    const before = strikes.length;
    for (const fault of round) {
      const [leastMs, mostMs] = fault.lastsMs;
      const roomMs = endMs - atMs;
      if (roomMs < leastMs) continue;
      const lastsMs = Math.min(random.between(leastMs, mostMs), roomMs);
      let waiting = targets.get(fault.name) ?? [];
      if (waiting.length === 0) waiting = random.shuffled(fault.targets);
      const target = waiting.shift();
      if (target === undefined) throw new Error(`the fault ${fault.name} has nothing to strike`);
      targets.set(fault.name, waiting);
      strikes.push({ atMs, fault: fault.name, target, lastsMs });

      const healMs = atMs + lastsMs;
      latestHealMs = Math.max(latestHealMs, healMs);
      const gapMs = random.between(gapMinMs, gapMaxMs);
      const goesOn = healMs >= latestHealMs;
      // The one after an overlapping pair waits for both to be healed.
      overlapped = !overlapped && goesOn && random.fraction() < overlap;
      atMs = overlapped ? healMs - Math.floor(lastsMs / 3) : latestHealMs + gapMs;
    }
    if (strikes.length === before) return strikes;
  }
}

function bounded(
  totalMs: number,
  { share, leastMs, mostMs }: { share: number; leastMs: number; mostMs: number },
): number {
  return Math.round(Math.min(mostMs, Math.max(leastMs, totalMs * share)));
}
