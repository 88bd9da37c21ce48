export const POINTS = [
  'before-commit',
  'after-commit',
  'before-publish',
  'after-publish',
  'before-ack',
  'after-ack',
  'before-data',
  'after-data',
] as const;
export type Point = (typeof POINTS)[number];

export type Plan = {
  /** Those that the service passes. */
  readonly points: readonly Point[];
  readonly seed: number;
  /** Deaths at most. */
  readonly most: number;
  /** File with a line for each death so far. */
  readonly deaths: string;
};

export type Death = { readonly point: Point; readonly passing: number; readonly afterMs: number };

const MOST_PASSINGS = 12;
/** A process that is killed while it starts has not met its points. */
const FIRST_MS = 500;
const LATEST_MS = 2_500;

/** How the process dies in its n-th life; undefined when it has died often enough. */
export function deathOf({ points, seed, most }: Plan, life: number): Death | undefined {
  if (life >= most || points.length === 0) return undefined;
  const draw = (salt: number, count: number) => Math.floor(fraction(seed + life * 7919 + salt * 104_729) * count);
  const point = points[draw(1, points.length)];
  if (point === undefined) return undefined;
  return { point, passing: 1 + draw(2, MOST_PASSINGS), afterMs: FIRST_MS + draw(3, LATEST_MS - FIRST_MS) };
}

/** mulberry32: from a whole number to a fraction below 1. */
function fraction(seed: number): number {
  let state = (seed + 0x6d2b79f5) | 0;
  state = Math.imul(state ^ (state >>> 15), state | 1);
  state ^= state + Math.imul(state ^ (state >>> 7), state | 61);
  return ((state ^ (state >>> 14)) >>> 0) / 2 ** 32;
}
