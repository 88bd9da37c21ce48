/**
 * Lets requests that arrive together share one commit.
 *
 *   submit ──▶ waiting ── 1 ms passed, or a batch is full, and fewer than the limit run ──▶ running ──▶ answered
 *                │                                                                            └─ failed ──▶ each alone, once
 *                └─ too many wait ──▶ refused at once
 *
 * While all runs are taken, the waiting items gather: the batches grow with the load, and the cost of an item shrinks.
 */
export type GroupCommitOptions<Item, Result> = {
  /** Runs a batch as one; the results stand in the order of the items. */
  run(batch: readonly Item[]): Promise<readonly Result[]>;
  /** Whether the items of a failed batch may be run again one by one. Not when it is unknown what became of it. */
  mayRetryAlone(error: unknown): boolean;
  /** Made when too many wait. Without it none is refused: for callers that are few by themselves. */
  overloaded?(): Error;
  readonly maxBatch?: number;
  readonly maxWaitMs?: number;
  readonly maxRunning?: number;
  readonly maxWaiting?: number;
  onBatch?(batch: { size: number; waitedMs: number }): void;
};

const MAX_BATCH = 64;
const MAX_WAIT_MS = 1;
const MAX_RUNNING = 3;
const MAX_WAITING = 1_000;

type Waiting<Item, Result> = {
  readonly item: Item;
  readonly sinceMs: number;
  resolve(result: Result): void;
  reject(error: unknown): void;
};

export class GroupCommit<Item, Result> {
  readonly #options: GroupCommitOptions<Item, Result>;
  readonly #maxBatch: number;
  readonly #maxWaitMs: number;
  readonly #maxRunning: number;
  readonly #maxWaiting: number;
  #waiting: Waiting<Item, Result>[] = [];
  #running = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: GroupCommitOptions<Item, Result>) {
    this.#options = options;
    this.#maxBatch = options.maxBatch ?? MAX_BATCH;
    this.#maxWaitMs = options.maxWaitMs ?? MAX_WAIT_MS;
    this.#maxRunning = options.maxRunning ?? MAX_RUNNING;
    this.#maxWaiting = options.maxWaiting ?? MAX_WAITING;
  }

  /** Rejects at once when too many wait, otherwise settles as the item's run does. */
  submit(item: Item): Promise<Result> {
    const { overloaded } = this.#options;
    if (overloaded !== undefined && this.#waiting.length >= this.#maxWaiting) return Promise.reject(overloaded());
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    this.#waiting.push({ item, sinceMs: performance.now(), resolve, reject });
    if (this.#waiting.length >= this.#maxBatch) this.#runWhatFits();
    else this.#timer ??= setTimeout(() => this.#runWhatFits(), this.#maxWaitMs);
    return promise;
  }

  #runWhatFits(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    while (this.#running < this.#maxRunning && this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, this.#maxBatch);
      const sinceMs = batch[0]?.sinceMs ?? performance.now();
      this.#options.onBatch?.({ size: batch.length, waitedMs: performance.now() - sinceMs });
      this.#running += 1;
      void this.#settle(batch).finally(() => {
        this.#running -= 1;
        this.#runWhatFits();
      });
    }
  }

  /** Never rejects: every outcome goes to those who submitted. */
  async #settle(batch: readonly Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.#options.run(batch.map(({ item }) => item));
      if (results.length !== batch.length)
        throw new RangeError('a batch got another number of results than it had items');
      for (const [index, result] of results.entries()) batch[index]?.resolve(result);
    } catch (error) {
      if (!this.#options.mayRetryAlone(error)) {
        for (const { reject } of batch) reject(error);
        return;
      }
      for (const waiting of batch) await this.#settleAlone(waiting);
    }
  }

  async #settleAlone({ item, resolve, reject }: Waiting<Item, Result>): Promise<void> {
    try {
      const [result, ...rest] = await this.#options.run([item]);
      if (result === undefined || rest.length > 0) throw new RangeError('an item alone must get one result');
      resolve(result);
    } catch (error) {
      reject(error);
    }
  }
}
