import type { Operation, Outcome } from './types.ts';

/** The value below which this share (0 to 1) of the values lies; null when there are none. */
export function percentile(values: readonly number[], share: number): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? null;
}

export type Second = Readonly<Record<Outcome, number>> & {
  /** Milliseconds since the run began: where the second starts. */
  readonly atMs: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
};

/** Operations by the second in which they ended. Every second is there, also one in which nothing ended. */
export function bySecond(operations: readonly Operation[], untilMs: number): Second[] {
  const seconds = Array.from({ length: Math.max(0, Math.ceil(untilMs / 1_000)) }, () => ({
    ok: 0,
    failed: 0,
    unknown: 0,
    latencies: [] as number[],
  }));
  for (const { endedMs, startedMs, outcome } of operations) {
    const second = seconds[Math.floor(endedMs / 1_000)];
    if (second === undefined) continue;
    second[outcome] += 1;
    second.latencies.push(endedMs - startedMs);
  }
  return seconds.map(({ latencies, ...counts }, index) => ({
    atMs: index * 1_000,
    ...counts,
    p50Ms: percentile(latencies, 0.5),
    p99Ms: percentile(latencies, 0.99),
  }));
}

export type OutcomeCounts = Readonly<Record<Outcome, number>> & { readonly attempts: number };

/** By kind of operation, kinds in the order of their names. */
export function byKind(operations: readonly Operation[]): Record<string, OutcomeCounts> {
  const counts: Record<string, { ok: number; failed: number; unknown: number; attempts: number }> = {};
  for (const { kind, outcome, attempts } of operations) {
    const count = counts[kind] ?? { ok: 0, failed: 0, unknown: 0, attempts: 0 };
    counts[kind] = count;
    count[outcome] += 1;
    count.attempts += attempts;
  }
  return Object.fromEntries(Object.entries(counts).sort(([a], [b]) => a.localeCompare(b)));
}
