/**
 * Working through a batch of which some messages may be bad, without letting a bad one block or harm its neighbours.
 *
 * A batch is attempted as a whole, since one transaction for many messages is what makes consumers fast. When it fails:
 *
 *   wait    Something that every message needs is away (the database, say). Nothing is wrong with the messages: the
 *           same batch is attempted again after a growing pause, for ever.
 *   count   The reason is unknown. The batch is attempted again, up to `attempts.whole` times; then it is split in
 *           halves, and the halves of a failing half again, each attempted once, in order. Log2(n) splits find the
 *           culprit, while everything before and after it goes through in batches.
 *   reject  The handler says that it can never succeed: split at once.
 *
 * A message that has failed alone `attempts.alone` times, or is rejected when alone, is handed to `giveUp`.
 * `done` is called in order for each stretch that is finished, given up or not: this is where offsets are committed.
 * `pause` may throw to abandon the batch (stopping, or a partition that was taken away); nothing more is called then.
 */
export type Verdict = 'wait' | 'count' | 'reject';

export type BatchWork<T> = {
  attempt(items: readonly T[]): Promise<void>;
  judge(error: unknown): Promise<Verdict>;
  pause(failures: number): Promise<void>;
  giveUp(item: T, error: unknown): Promise<void>;
  done(items: readonly T[]): Promise<void>;
  readonly attempts: { readonly whole: number; readonly alone: number };
};

export async function workThrough<T>(items: readonly T[], work: BatchWork<T>): Promise<void> {
  if (items.length > 0) await workOn(items, work, work.attempts.whole);
}

async function workOn<T>(items: readonly T[], work: BatchWork<T>, attemptsWhole: number): Promise<void> {
  const [first] = items;
  const isAlone = items.length === 1 && first !== undefined;
  const maxFailures = isAlone ? work.attempts.alone : attemptsWhole;
  let failures = 0;
  let waits = 0;
  for (;;) {
    const failure = await attempt(items, work);
    if (failure === undefined) return await work.done(items);
    const verdict = await work.judge(failure.error);
    if (verdict === 'wait') {
      waits += 1;
      await work.pause(waits);
      continue;
    }
    failures += 1;
    if (verdict === 'count' && failures < maxFailures) {
      await work.pause(failures);
      continue;
    }
    if (isAlone) {
      await work.giveUp(first, failure.error);
      return await work.done(items);
    }
    const middle = items.length >> 1;
    await workOn(items.slice(0, middle), work, 1);
    return await workOn(items.slice(middle), work, 1);
  }
}

async function attempt<T>(items: readonly T[], work: BatchWork<T>): Promise<{ error: unknown } | undefined> {
  try {
    await work.attempt(items);
    return undefined;
  } catch (error) {
    return { error };
  }
}
