import type { LagSample } from './probe/shop-state.ts';

/** What "sustained" means: see docs/performance.md. */
export const LIMITS = {
  p99Ms: 250,
  /** Of all requests, those without the answer that they should have. */
  errorShare: 0.001,
  /** Of the rate that was asked for. */
  acceptedShare: 0.98,
  /** After the last answer until every order is reserved and every outbox empty. */
  reservedAfterMs: 3_000,
  /** The oldest unreserved order, on average over the last third of the load. */
  reservationLagMs: 1_500,
} as const;

export type StepFacts = {
  readonly ratePerSecond: number;
  readonly p99Ms: number;
  readonly errorShare: number;
  readonly acceptedPerSecond: number;
  /** Undefined when some were still waiting when the bench gave up. */
  readonly reservedAfterMs: number | undefined;
  readonly lag: readonly LagSample[];
};

/** Why the platform could not go on at this rate; nothing when it could. */
export function objections(step: StepFacts): string[] {
  const found: string[] = [];
  if (step.p99Ms >= LIMITS.p99Ms) found.push(`p99 ${Math.round(step.p99Ms)} ms`);
  if (step.errorShare > LIMITS.errorShare) found.push(`${(step.errorShare * 100).toFixed(1)} % errors`);
  if (step.acceptedPerSecond < step.ratePerSecond * LIMITS.acceptedShare)
    found.push(`only ${Math.round(step.acceptedPerSecond)}/s accepted`);
  if (step.reservedAfterMs === undefined) found.push('orders left unreserved');
  else if (step.reservedAfterMs > LIMITS.reservedAfterMs)
    found.push(`reserved ${(step.reservedAfterMs / 1_000).toFixed(1)} s after the load`);
  const [, middle, last] = thirds(step.lag);
  const lagMs = mean(last.map(({ reservationLagMs }) => reservationLagMs));
  if (lagMs > LIMITS.reservationLagMs) found.push(`orders wait ${(lagMs / 1_000).toFixed(1)} s for their stock`);
  // A second's worth of orders is noise: relay and consumers work in batches.
  const rows = (samples: readonly LagSample[]) => mean(samples.map(({ outboxRows }) => outboxRows));
  if (rows(last) > 1.5 * rows(middle) && rows(last) > step.ratePerSecond)
    found.push(`outbox grows to ${Math.round(rows(last))}`);
  return found;
}

function thirds<T>(all: readonly T[]): [readonly T[], readonly T[], readonly T[]] {
  const size = Math.ceil(all.length / 3);
  return [all.slice(0, size), all.slice(size, 2 * size), all.slice(2 * size)];
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}
