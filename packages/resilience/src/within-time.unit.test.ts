import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { TaskCancelledError } from 'cockatiel';
import { withinTime } from './within-time.ts';

const LONG_MS = 10_000;

describe('a time limit', () => {
  it('passes on what the work gives or throws, and never aborts it afterwards', async () => {
    let seen: AbortSignal | undefined;
    const answer = await withinTime(LONG_MS, async (signal) => {
      seen = signal;
      return 7;
    });
    assert.equal(answer, 7);
    assert.equal(seen?.aborted, false);
    const failure = new Error('no');
    const rejecting = () => Promise.reject(failure);
    const throwing = () => {
      throw failure;
    };
    for (const work of [rejecting, throwing]) await assert.rejects(withinTime(LONG_MS, work), failure);
  });

  it('aborts the signal of work that takes too long', async () => {
    const aborted = Promise.withResolvers<void>();
    const work = (signal: AbortSignal) => {
      signal.addEventListener('abort', () => aborted.resolve());
      return delay(LONG_MS, undefined, { signal });
    };
    await assert.rejects(withinTime(5, work), TaskCancelledError);
    await aborted.promise;
  });

  it('is over for work that does not heed its signal, whose later failure is nobody’s', async () => {
    const { promise, reject } = Promise.withResolvers<never>();
    await assert.rejects(
      withinTime(5, () => promise),
      TaskCancelledError,
    );
    reject(new Error('much later'));
    await nextTurn();
  });

  it('takes an answer that arrived in time though this process was held up until after the limit', async () => {
    // From here timers come before answers in the next turn of the loop.
    await nextTurn();
    const asking = withinTime(20, () => stat(import.meta.filename));
    holdUp(100);
    assert.ok((await asking).isFile());
  });
});

function holdUp(durationMs: number): void {
  const untilMs = performance.now() + durationMs;
  while (performance.now() < untilMs);
}
