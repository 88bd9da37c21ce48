import { type LoadResult, openLoop } from './load/open-loop.ts';
import { cpuBetween, cpuSnapshot, type Memory, memoryOfStack } from './probe/processes.ts';
import type { LagSample, ShopState } from './probe/shop-state.ts';
import type { Shop } from './shop.ts';
import type { BenchStack } from './stack.ts';
import { objections } from './steady.ts';
import type { RequestSource } from './workloads.ts';

const RESERVED_DEADLINE_MS = 60_000;
const MAILED_DEADLINE_MS = 60_000;

/** What every measurement works with. */
export type Bench = {
  readonly stack: BenchStack;
  readonly shop: Shop;
  readonly state: ShopState;
  readonly connections: number;
  /** Of one step. */
  readonly seconds: number;
  /** Share of the rows that W5, W6, W8 and W10 are about, for trying things out. */
  readonly size: number;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  say(line: string): void;
};

export type StepResult = {
  readonly ratePerSecond: number;
  readonly load: LoadResult;
  readonly lag: readonly LagSample[];
  readonly reservedAfterMs: number | undefined;
  /** Orders that were created, from the database. */
  readonly orders: number;
  readonly createdToReserved: { orders: number; p50Ms: number; p99Ms: number };
  readonly errorShare: number;
  /** From the start of the load until the last mail was sent, divided by the orders; the generator among them. */
  readonly cpuMsPerOrder: Readonly<Record<string, number>>;
  readonly walBytesPerOrder: number;
  readonly memory: Memory;
  /** Mail jobs that were still queued a minute after the last reservation. */
  readonly mailsLeft: number;
  readonly objections: readonly string[];
};

let loads = 0;

/** A prefix of request ids that no other load has. */
export function newRunId(): string {
  loads += 1;
  return `b${process.pid.toString(36)}${Date.now().toString(36)}-${loads}`;
}

/** One load of orders at a constant rate, and what it cost, up to its last mail. */
export async function runStep(
  bench: Bench,
  sourceOf: (run: string) => RequestSource,
  { ratePerSecond, seconds = bench.seconds }: { ratePerSecond: number; seconds?: number },
): Promise<StepResult> {
  const { stack, state, signal } = bench;
  const home = stack.settings.STACK_HOME;
  const lastOrder = await state.newestOrderId();
  const wal = await state.walPosition();
  const before = cpuSnapshot(home);
  const stopWatching = state.watchLag();
  let load: LoadResult;
  let lag: LagSample[];
  try {
    load = await openLoop({
      url: stack.settings.GATEWAY_URL,
      pace: { ratePerSecond, seconds },
      connections: bench.connections,
      next: sourceOf(newRunId()),
      signal,
    });
  } finally {
    lag = await stopWatching();
  }
  const reservedAfterMs = await state.untilReserved(RESERVED_DEADLINE_MS);
  // Mail has the lowest priority: what it owes would come out of the next step, and be missing here.
  const mailsLeft = await state.untilMailed(MAILED_DEADLINE_MS);
  const cpu = cpuBetween(before, cpuSnapshot(home));
  const walBytes = (await state.walPosition()) - wal;
  const created = await state.orders<{ total: number }>('SELECT count(*)::int AS total FROM orders WHERE id > $1', [
    lastOrder,
  ]);
  const orders = created[0]?.total ?? 0;
  const perOrder = (value: number) => (orders === 0 ? 0 : value / orders);
  const errorShare = shareOfErrors(load);
  return {
    ratePerSecond,
    load,
    lag,
    reservedAfterMs,
    orders,
    createdToReserved: await state.reservationTimes(lastOrder),
    errorShare,
    cpuMsPerOrder: Object.fromEntries(
      [...Object.entries(cpu), ['load generator', load.generatorCpuMs] as const].map(([group, ms]) => [
        group,
        perOrder(ms),
      ]),
    ),
    walBytesPerOrder: perOrder(walBytes),
    memory: memoryOfStack(home),
    mailsLeft,
    objections: objections({
      ratePerSecond,
      p99Ms: load.accepted.p99Ms,
      errorShare,
      acceptedPerSecond: load.acceptedPerSecond,
      reservedAfterMs,
      lag,
    }),
  };
}

/** Of a request that is sent twice at once one may be told, with 409, that the other is under way, and that is right. */
export function shareOfErrors({ byKind, byStatus, sent }: LoadResult): number {
  let errors = 0;
  for (const [status, count] of Object.entries(byStatus)) {
    if (!status.startsWith('2') && !(status === '409' && byKind.duplicate !== undefined)) errors += count;
  }
  return sent === 0 ? 1 : errors / sent;
}

/** One line of progress. */
export function describeStep(step: StepResult): string {
  const { accepted } = step.load;
  const ms = (value: number) => `${value.toFixed(value < 10 ? 1 : 0)} ms`;
  const mails = step.mailsLeft === 0 ? '' : `, ${step.mailsLeft} mails left`;
  const verdict = step.objections.length === 0 ? 'sustained' : step.objections.join(', ');
  return `${String(step.ratePerSecond).padStart(6)}/s  p50 ${ms(accepted.p50Ms)}  p99 ${ms(accepted.p99Ms)}  reserved p99 ${ms(step.createdToReserved.p99Ms)}  ${verdict}${mails}`;
}
