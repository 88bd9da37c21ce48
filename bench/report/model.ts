import type { Memory } from '../probe/processes.ts';
import type { Finding } from '../scenario/workload.ts';

/** Transactions per second. */
export type Ceilings = {
  /** The identical transaction in pgbench on the primary, before and after the load. */
  readonly p2: { readonly before: number; readonly after: number };
  readonly p2Pgpool: { readonly before: number; readonly after: number };
  /** A bare express handler under the same load generator; undefined when it sustained nothing. */
  readonly p0: number | undefined;
};

export type WorkloadReport = Finding & { readonly id: string; readonly name: string; readonly about: string };

export type BenchReport = {
  readonly startedAt: string;
  readonly revision: string;
  readonly machine: string;
  readonly durability: string;
  readonly seconds: number;
  readonly connections: number;
  readonly memoryIdle: Memory;
  readonly ceilings: Ceilings | undefined;
  readonly workloads: readonly WorkloadReport[];
};

export function mean({ before, after }: { before: number; after: number }): number {
  return (before + after) / 2;
}
