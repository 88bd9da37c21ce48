import assert from 'node:assert/strict';
import fc from 'fast-check';
import { GroupCommit, type GroupCommitOptions } from './group-commit.ts';

class Refused extends Error {}

/** Runs answer when they are told to. */
function heldRuns() {
  const runs: { batch: readonly number[]; answer(): void; fail(error: Error): void }[] = [];
  return {
    runs,
    run: (batch: readonly number[]) =>
      new Promise<number[]>((resolve, reject) => {
        runs.push({ batch, answer: () => resolve(batch.map((item) => item * 2)), fail: reject });
      }),
  };
}

const commits = (
  options: Partial<GroupCommitOptions<number, number>> & Pick<GroupCommitOptions<number, number>, 'run'>,
) => new GroupCommit<number, number>({ mayRetryAlone: () => true, overloaded: () => new Refused(), ...options });
const nextTick = () => new Promise((resolve) => setImmediate(resolve));

describe('group commit', () => {
  it('runs what arrives together as one, and gives everyone their own result', async () => {
    const batches: number[][] = [];
    const group = commits({
      run: async (batch) => {
        batches.push([...batch]);
        return batch.map((item) => item * 2);
      },
    });
    assert.deepEqual(await Promise.all([1, 2, 3].map((item) => group.submit(item))), [2, 4, 6]);
    assert.deepEqual(batches, [[1, 2, 3]]);
  });

  it('starts a full batch at once, and no more runs than its limit', async () => {
    const held = heldRuns();
    const group = commits({ run: held.run, maxBatch: 2, maxRunning: 2, maxWaitMs: 60_000 });
    const results = [1, 2, 3, 4, 5, 6].map((item) => group.submit(item));
    assert.deepEqual(
      held.runs.map(({ batch }) => batch),
      [
        [1, 2],
        [3, 4],
      ],
    );
    held.runs[0]?.answer();
    await Promise.all(results.slice(0, 2));
    await nextTick();
    assert.deepEqual(held.runs[2]?.batch, [5, 6]);
    for (const run of held.runs) run.answer();
    assert.deepEqual(await Promise.all(results), [2, 4, 6, 8, 10, 12]);
  });

  it('refuses at once when too many wait', async () => {
    const held = heldRuns();
    const group = commits({ run: held.run, maxBatch: 1, maxRunning: 1, maxWaiting: 2 });
    const taken = [1, 2, 3].map((item) => group.submit(item));
    await assert.rejects(group.submit(4), Refused);
    for (let run = 0; run < taken.length; run += 1) {
      held.runs[run]?.answer();
      assert.equal(await taken[run], (run + 1) * 2);
      await nextTick();
    }
    const again = group.submit(5);
    held.runs[3]?.answer();
    assert.equal(await again, 10);
  });

  it('runs each alone once when a batch fails, so that one bad item does not fail its neighbours', async () => {
    const batches: number[][] = [];
    const group = commits({
      run: async (batch) => {
        batches.push([...batch]);
        if (batch.includes(2)) throw new Error('2 is bad');
        return [...batch];
      },
    });
    const results = await Promise.allSettled([1, 2, 3].map((item) => group.submit(item)));
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'fulfilled'],
    );
    assert.deepEqual(batches, [[1, 2, 3], [1], [2], [3]]);
  });

  it('repeats nothing when nobody knows what became of the batch', async () => {
    let runs = 0;
    const group = commits({
      mayRetryAlone: () => false,
      run: async () => {
        runs += 1;
        throw new Error('connection lost');
      },
    });
    const results = await Promise.allSettled([1, 2].map((item) => group.submit(item)));
    assert.ok(results.every(({ status }) => status === 'rejected'));
    assert.equal(runs, 1);
  });

  it('answers everyone with their own result whatever sizes, limits and failures', async () => {
    const limits = fc.record({
      maxBatch: fc.integer({ min: 1, max: 5 }),
      maxRunning: fc.integer({ min: 1, max: 3 }),
      bad: fc.uniqueArray(fc.nat(30)),
      count: fc.nat(30),
    });
    await fc.assert(
      fc.asyncProperty(limits, async ({ maxBatch, maxRunning, bad, count }) => {
        let running = 0;
        const group = commits({
          maxBatch,
          maxRunning,
          run: async (batch) => {
            running += 1;
            assert.ok(running <= maxRunning && batch.length <= maxBatch);
            await nextTick();
            running -= 1;
            if (batch.some((item) => bad.includes(item))) throw new Error('bad');
            return batch.map((item) => item * 2);
          },
        });
        const results = await Promise.allSettled(Array.from({ length: count }, (_, item) => group.submit(item)));
        for (const [item, result] of results.entries()) {
          if (bad.includes(item)) assert.equal(result.status, 'rejected');
          else assert.deepEqual(result, { status: 'fulfilled', value: item * 2 });
        }
      }),
      { numRuns: 50 },
    );
  });
});
