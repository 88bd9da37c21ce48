/**
 * Load at a constant arrival rate, whatever the answers do. A request that finds every connection busy waits in a queue,
 * and its latency counts from the instant it was due: a server that stalls for a second shows that second in every request
 * that would have come in it. (A closed loop stops asking while it waits; autocannon's `overallRate` only slows such a
 * loop down, so it omits exactly the worst moments.)
 *
 * The generator shares the machine with what it measures, so it does little: plain sockets, requests as ready strings,
 * a parser that looks for the status and the end. One timer sends what has become due.
 */
import { build, type Histogram } from 'hdr-histogram-js';
import { type Connection, openConnection } from './connection.ts';
import { dueAtMs, dueCount, type Pace, requestsOf } from './pacing.ts';
import type { Answer } from './response-parser.ts';

const TICK_MS = 2;
const LONGEST_WAIT_MS = 15_000;
/** Latencies are kept in tens of microseconds, up to a minute. */
const UNITS_PER_MS = 100;
const HIGHEST_UNITS = 60_000 * UNITS_PER_MS;

export type LoadRequest = {
  /** The whole request, ASCII. */
  readonly text: string;
  /** Latencies and answers are kept by kind. */
  readonly kind: string;
};

export type KindResult = {
  readonly byStatus: Readonly<Record<string, number>>;
  readonly accepted: Latencies;
  readonly refused: Latencies;
};
export type Latencies = { count: number; p50Ms: number; p99Ms: number; p999Ms: number; maxMs: number };

export type LoadResult = {
  readonly sent: number;
  /** Answers of 2xx per second of the load. */
  readonly acceptedPerSecond: number;
  readonly accepted: Latencies;
  /** Answers of 503. */
  readonly refused: Latencies;
  readonly refusedWithRetryAfter: number;
  /** Answers by status; `failed` had none, `unanswered` were still due when the wait for the last ones was over. */
  readonly byStatus: Readonly<Record<string, number>>;
  readonly byKind: Readonly<Record<string, KindResult>>;
  /** Of this process during the load. */
  readonly generatorCpuMs: number;
  /** p99 of what was accepted in each second of the load, by the instant of being due. */
  readonly p99BySecondMs: readonly (number | null)[];
};

type Tally = { byStatus: Map<string, number>; accepted: Histogram; refused: Histogram };

export async function openLoop(options: {
  readonly url: string;
  readonly pace: Pace;
  readonly connections: number;
  readonly next: (n: number) => LoadRequest;
  readonly signal?: AbortSignal;
}): Promise<LoadResult> {
  const { pace, next, signal } = options;
  const url = new URL(options.url);
  const total = requestsOf(pace);
  const tallies = new Map<string, Tally>();
  const all = newTally();
  const bySecond = Array.from({ length: Math.ceil(pace.seconds) }, histogram);
  let withRetryAfter = 0;
  let released = 0;
  let sent = 0;
  let done = 0;
  const free: Worker[] = [];
  const workers: Worker[] = [];
  type Worker = { connection: Connection; n: number; kind: string };

  const startedAtMs = performance.now();
  const cpuBefore = process.cpuUsage();

  function finish(worker: Worker, status: string, answer?: Answer): void {
    const dueMs = dueAtMs(pace, worker.n);
    const units = Math.min(
      HIGHEST_UNITS,
      Math.max(1, Math.round((performance.now() - startedAtMs - dueMs) * UNITS_PER_MS)),
    );
    for (const tally of [all, tallyOf(worker.kind)]) {
      tally.byStatus.set(status, (tally.byStatus.get(status) ?? 0) + 1);
      if (status.startsWith('2')) tally.accepted.recordValue(units);
      else if (status === '503') tally.refused.recordValue(units);
    }
    if (status.startsWith('2')) bySecond[Math.floor(dueMs / 1_000)]?.recordValue(units);
    if (status === '503' && answer?.hasRetryAfter) withRetryAfter += 1;
    done += 1;
    free.push(worker);
    sendDue();
  }
  function tallyOf(kind: string): Tally {
    const found = tallies.get(kind) ?? newTally();
    tallies.set(kind, found);
    return found;
  }
  function sendDue(): void {
    while (sent < released && free.length > 0) {
      const worker = free.pop();
      if (worker === undefined) return;
      const request = next(sent);
      worker.n = sent;
      worker.kind = request.kind;
      sent += 1;
      worker.connection.send(request.text);
    }
  }

  for (let index = 0; index < options.connections; index += 1) {
    const worker: Worker = {
      n: 0,
      kind: '',
      connection: openConnection(url, {
        answered: (answer) => finish(worker, String(answer.status), answer),
        failed: () => finish(worker, 'failed'),
      }),
    };
    workers.push(worker);
    free.push(worker);
  }

  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const elapsedMs = performance.now() - startedAtMs;
      released = dueCount(pace, elapsedMs);
      sendDue();
      const isOver = elapsedMs > pace.seconds * 1_000 + LONGEST_WAIT_MS;
      if (done >= total || isOver || signal?.aborted) {
        clearInterval(timer);
        resolve();
      }
    }, TICK_MS);
  });
  for (const { connection } of workers) connection.close();
  signal?.throwIfAborted();
  const cpu = process.cpuUsage(cpuBefore);
  if (done < total) all.byStatus.set('unanswered', total - done);
  return {
    sent,
    acceptedPerSecond: all.accepted.totalCount / pace.seconds,
    accepted: latencies(all.accepted),
    refused: latencies(all.refused),
    refusedWithRetryAfter: withRetryAfter,
    byStatus: Object.fromEntries(all.byStatus),
    byKind: Object.fromEntries(
      [...tallies].map(([kind, tally]) => [
        kind,
        {
          byStatus: Object.fromEntries(tally.byStatus),
          accepted: latencies(tally.accepted),
          refused: latencies(tally.refused),
        },
      ]),
    ),
    generatorCpuMs: (cpu.user + cpu.system) / 1_000,
    p99BySecondMs: bySecond.map((one) => (one.totalCount === 0 ? null : latencies(one).p99Ms)),
  };
}

function newTally(): Tally {
  return { byStatus: new Map(), accepted: histogram(), refused: histogram() };
}

function histogram(): Histogram {
  return build({ lowestDiscernibleValue: 1, highestTrackableValue: HIGHEST_UNITS, numberOfSignificantValueDigits: 3 });
}

function latencies(found: Histogram): Latencies {
  const at = (percentile: number) =>
    found.totalCount === 0 ? 0 : found.getValueAtPercentile(percentile) / UNITS_PER_MS;
  return {
    count: found.totalCount,
    p50Ms: at(50),
    p99Ms: at(99),
    p999Ms: at(99.9),
    maxMs: found.totalCount === 0 ? 0 : found.maxValue / UNITS_PER_MS,
  };
}
