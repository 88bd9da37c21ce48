import type { FaultRecord, History, Verdict } from '../types.ts';
import type { Evidence, OrderRow, TimerRow } from './evidence.ts';
import { createTally, type Tally } from './tally.ts';

/**
 * What may come on top of outages. On a machine with time to spare a timer fires within a second: the broker wakes it, or the sweeper
 * does, which looks every second for what has been due for two. The rest of the bound is for a machine whose processors are wanted
 * by many more, where a process waits seconds for its turn. A timer that only the next day's look would find is far beyond it.
 */
export const LATENESS_BOUND_MS = 30_000;

const CLAIM =
  'No timer fires early or twice, none is lost, and outside of outages none is later than ' +
  `${LATENESS_BOUND_MS / 1_000} seconds.`;

type Span = readonly [fromMs: number, toMs: number];

/** attempted: timers; acknowledged: those that fired. */
export function checkTimers(history: Pick<History, 'faults' | 'startedAtMs'>, evidence: Evidence): Verdict {
  const tally = createTally('I8', CLAIM);
  const outages = outagesOf(history.faults, history.startedAtMs);
  const orders = new Map(evidence.orders.map((order) => [order.id, order]));
  const fired = Map.groupBy(
    evidence.timeline.filter(({ type }) => type === 'timer.fired'),
    ({ orderId, detail }) => `${orderId}/${String(detail.kind)}`,
  );
  tally.attempted(evidence.timers.length);
  for (const timer of evidence.timers) {
    const shown = `${timer.kind} of order ${timer.orderId}, due ${new Date(timer.dueAtMs).toISOString()},`;
    const entries = fired.get(`${timer.orderId}/${timer.kind}`) ?? [];
    if (timer.state === 'fired') tally.acknowledged();
    if (timer.state === 'fired' && entries.length === 0) tally.lost(`${shown} fired without a trace`);
    if (timer.state !== 'fired' && entries.length > 0) tally.unexpected(`${shown} is ${timer.state} and fired`);
    if (entries.length > 1) {
      tally.duplicated(`${shown} fired ${entries.length} times: ${entries.map(({ id }) => id)}`, entries.length - 1);
    }
    for (const { atMs } of entries) checkInstant(tally, shown, timer, atMs, outages);
    if (timer.state === 'waiting')
      checkWaiting(tally, shown, timer, orders.get(timer.orderId), evidence.takenAtMs, outages);
  }
  return tally.verdict();
}

function checkInstant(
  tally: Tally,
  shown: string,
  { dueAtMs }: TimerRow,
  atMs: number,
  outages: readonly Span[],
): void {
  // Both are whole milliseconds; what is read as a fraction may differ in the last digit.
  const latenessMs = Math.round(atMs - dueAtMs);
  if (latenessMs < 0) tally.unexpected(`${shown} fired ${-latenessMs} ms early`);
  const unexplainedMs = uncoveredMs([dueAtMs, atMs], outages);
  if (unexplainedMs > LATENESS_BOUND_MS) {
    tally.unexpected(`${shown} fired ${latenessMs} ms late, ${unexplainedMs} ms of it outside of any outage`);
  }
}

function checkWaiting(
  tally: Tally,
  shown: string,
  { dueAtMs }: TimerRow,
  order: OrderRow | undefined,
  nowMs: number,
  outages: readonly Span[],
): void {
  if (order === undefined) tally.unexpected(`${shown} waits for an order that does not exist`);
  else if (order.status !== 'PENDING' && order.status !== 'PAID') {
    tally.unexpected(`${shown} still waits, its order is ${order.status}`);
  }
  const unexplainedMs = uncoveredMs([dueAtMs, nowMs], outages);
  if (unexplainedMs > LATENESS_BOUND_MS) tally.lost(`${shown} still waits after ${Math.round(nowMs - dueAtMs)} ms`);
}

/** From the strike until the platform had recovered, on the clock of the databases. */
function outagesOf(faults: readonly FaultRecord[], startedAtMs: number): Span[] {
  const spans = faults.map(({ struckMs, healedMs, recoveredMs }): Span => {
    return [startedAtMs + struckMs, startedAtMs + healedMs + (recoveredMs ?? 0)];
  });
  return spans.sort(([a], [b]) => a - b);
}

/** How much of the span lies in no outage; the outages are sorted by their beginning. */
export function uncoveredMs([fromMs, toMs]: Span, outages: readonly Span[]): number {
  let uncovered = 0;
  let reached = fromMs;
  for (const [start, end] of outages) {
    if (start >= toMs) break;
    if (start > reached) uncovered += start - reached;
    reached = Math.max(reached, end);
  }
  return Math.round(uncovered + Math.max(0, toMs - reached));
}
