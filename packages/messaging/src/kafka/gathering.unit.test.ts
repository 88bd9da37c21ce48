import assert from 'node:assert/strict';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createGathering } from './gathering.ts';

describe('gathering', () => {
  let calls: number[][];
  let stopping: AbortController;

  beforeEach(() => {
    calls = [];
    stopping = new AbortController();
  });

  function gathering({ lingerMs = 0, full = 100, fail = () => false as boolean } = {}) {
    return createGathering<number>({
      async handle(items) {
        calls.push([...items]);
        if (fail()) throw new Error('no');
      },
      lingerMs,
      full,
      signal: stopping.signal,
    });
  }

  it('brings what arrives within one turn in one call, in order of arrival', async () => {
    const gather = gathering();
    await Promise.all([gather([1, 2]), gather([3]), Promise.resolve().then(() => gather([4, 5]))]);
    assert.deepEqual(calls, [[1, 2, 3, 4, 5]]);
  });

  it('gathers anew while a call runs and after it', async () => {
    const gather = gathering();
    await gather([1]);
    await Promise.all([gather([2]), gather([3])]);
    assert.deepEqual(calls, [[1], [2, 3]]);
  });

  it('tells everybody who shared a call of its failure, and nobody else', async () => {
    const gather = gathering({ fail: () => calls.length === 1 });
    const outcomes = await Promise.allSettled([gather([1]), gather([2])]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['rejected', 'rejected'],
    );
    await gather([3]);
  });

  it('calls nobody for nothing', async () => {
    await gathering()([]);
    assert.deepEqual(calls, []);
  });

  it('rests after a small call until it is stopped, and not after a full one', async () => {
    const gather = gathering({ lingerMs: 3_600_000, full: 2 });
    await gather([1, 2]);
    const small = gather([3]);
    let isDone = false;
    void small.then(() => {
      isDone = true;
    });
    while (calls.length < 2) await nextTurn();
    assert.equal(isDone, false);
    stopping.abort();
    await small;
  });
});
