import type { Logger, Metrics } from '@punctual/telemetry';

export type WorkerPoolOptions = {
  /** In logs and as the label `pool` of the metrics. */
  name: string;
  /** Pieces of work at a time. */
  workers: number;
  /** How many pieces may wait for a worker. */
  queueLimit: number;
  /** What work under way gets on stop before its signal is aborted; default 5,000. */
  stopTimeoutMs?: number;
  logger: Logger;
  metrics: Metrics;
};

/**
 * Bounds work in the background. A lifecycle component: `stop` takes no more work, lets what it has come to an end within
 * `stopTimeoutMs`, then drops what still waits and aborts the signal of what still runs.
 */
export type WorkerPool = {
  readonly name: string;
  /**
   * Resolves with what the work resolves with, or throws what it throws. When all workers are taken and the queue is full, it throws
   * WorkerPoolRefused, or with `wait` waits for room: then whoever submits is the bound, so let it be a loop that awaits.
   */
  submit<T>(work: (signal: AbortSignal) => Promise<T>, options: { whenFull: 'reject' | 'wait' }): Promise<T>;
  start(): Promise<void>;
  stop(): Promise<void>;
};

/** The pool did not take the work, or gave it up before it began: nothing was done. */
export class WorkerPoolRefused extends Error {
  override readonly name = 'WorkerPoolRefused';
  readonly retryable = true;
  readonly reason: 'full' | 'stopping';

  constructor(pool: string, reason: WorkerPoolRefused['reason']) {
    super(`the pool ${pool} is ${reason}`);
    this.reason = reason;
  }
}

type Waiting = { readonly begin: () => void; readonly drop: () => void };

const DEFAULT_STOP_TIMEOUT_MS = 5_000;

export function createWorkerPool(options: WorkerPoolOptions): WorkerPool {
  const { name, workers, queueLimit, stopTimeoutMs = DEFAULT_STOP_TIMEOUT_MS, logger } = options;
  const measured = createMeasurements(options.metrics, name);
  const stopping = new AbortController();
  const abort = new AbortController();
  /** Those within the limit first, then those that wait for room. */
  const waiting: Waiting[] = [];
  const idle = Promise.withResolvers<void>();
  let running = 0;

  function show(): void {
    measured.running.set(running);
    measured.queued.set(waiting.length);
  }

  /** Resolves when it is this work's turn. */
  function turn(whenFull: 'reject' | 'wait'): Promise<void> | undefined {
    if (stopping.signal.aborted) throw refused('stopping');
    if (running < workers) return undefined;
    if (whenFull === 'reject' && waiting.length >= queueLimit) throw refused('full');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    waiting.push({ begin: resolve, drop: () => reject(refused('stopping')) });
    show();
    return promise;
  }

  function refused(reason: WorkerPoolRefused['reason']): WorkerPoolRefused {
    measured.refused.inc({ pool: name, reason });
    return new WorkerPoolRefused(name, reason);
  }

  /** A worker that is free goes to who waits longest, so that nobody who comes meanwhile is before them. */
  function passOn(): void {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next.begin();
    show();
    if (running === 0 && stopping.signal.aborted) idle.resolve();
  }

  return {
    name,
    async submit(work, { whenFull }) {
      const myTurn = turn(whenFull);
      if (myTurn === undefined) running += 1;
      else await myTurn;
      show();
      try {
        return await work(abort.signal);
      } finally {
        passOn();
      }
    },
    async start() {
      show();
    },
    async stop() {
      stopping.abort();
      if (running === 0) return;
      const timer = setTimeout(() => {
        logger.warn('work is given up', { pool: name, running, waiting: waiting.length });
        for (const { drop } of waiting.splice(0)) drop();
        abort.abort();
        idle.resolve();
      }, stopTimeoutMs);
      await idle.promise;
      clearTimeout(timer);
    },
  };
}

function createMeasurements(metrics: Metrics, pool: string) {
  const labels = { labelNames: ['pool'] as const };
  return {
    running: metrics
      .gauge({ name: 'worker_pool_running', help: 'Pieces of work under way', ...labels })
      .labels({ pool }),
    queued: metrics
      .gauge({ name: 'worker_pool_queued', help: 'Work that waits for a worker', ...labels })
      .labels({ pool }),
    refused: metrics.counter({
      name: 'worker_pool_refused_total',
      help: 'Work that was not taken, or dropped on stop before it began',
      labelNames: ['pool', 'reason'],
    }),
  };
}
