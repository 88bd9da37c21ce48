import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Verdict, workThrough } from './batch.ts';

type Run = { handled: number[]; givenUp: number[]; done: number[]; attempts: number[][]; pauses: number };
type Plan = {
  bad?: ReadonlySet<number>;
  verdict?: Verdict;
  outages?: number;
  attempts?: { whole: number; alone: number };
  abandonAfter?: number;
};

/** Works through 0..size-1, of which `bad` fail whatever they are batched with; the first `outages` attempts fail for all. */
async function run(size: number, plan: Plan): Promise<Run> {
  const { bad = new Set(), verdict = 'count', attempts = { whole: 3, alone: 3 }, abandonAfter = Infinity } = plan;
  const result: Run = { handled: [], givenUp: [], done: [], attempts: [], pauses: 0 };
  let outages = plan.outages ?? 0;
  const items = Array.from({ length: size }, (_, index) => index);
  await workThrough(items, {
    attempts,
    async attempt(batch) {
      result.attempts.push([...batch]);
      if (outages > 0) throw new Error('away');
      if (batch.some((item) => bad.has(item))) throw new Error('bad');
      result.handled.push(...batch);
    },
    async judge() {
      if (outages === 0) return verdict;
      outages -= 1;
      return 'wait';
    },
    async pause() {
      result.pauses += 1;
      if (result.pauses > abandonAfter) throw new Error('abandoned');
    },
    async giveUp(item) {
      result.givenUp.push(item);
    },
    async done(batch) {
      result.done.push(...batch);
    },
  });
  return result;
}

const sets = fc.uniqueArray(fc.integer({ min: 0, max: 39 }), { maxLength: 8 }).map((items) => new Set(items));

describe('working through a batch', () => {
  it('handles a good batch with one attempt', async () => {
    const { attempts, done, pauses } = await run(5, {});
    assert.deepEqual({ attempts, done, pauses }, { attempts: [[0, 1, 2, 3, 4]], done: [0, 1, 2, 3, 4], pauses: 0 });
  });

  it('does nothing for an empty batch', async () => {
    assert.deepEqual((await run(0, {})).attempts, []);
  });

  it('gives up exactly the bad messages and finishes all of them in order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 40 }), sets, async (size, picked) => {
        const bad = new Set([...picked].filter((item) => item < size));
        const { handled, givenUp, done } = await run(size, { bad });
        assert.deepEqual(new Set(givenUp), bad);
        assert.deepEqual(
          done,
          Array.from({ length: size }, (_, index) => index),
        );
        assert.deepEqual(
          handled,
          done.filter((item) => !bad.has(item)),
        );
      }),
    );
  });

  it('finds one bad message of 512 with few attempts', async () => {
    const { attempts } = await run(512, { bad: new Set([300]), attempts: { whole: 1, alone: 1 } });
    assert.ok(attempts.length <= 1 + 2 * 9, `${attempts.length} attempts`);
  });

  it('tries a message alone as often as allowed before giving it up', async () => {
    const { attempts, pauses } = await run(1, { bad: new Set([0]), attempts: { whole: 9, alone: 4 } });
    assert.deepEqual({ attempts: attempts.length, pauses }, { attempts: 4, pauses: 3 });
  });

  it('gives up a rejected message at its first attempt alone, without a pause', async () => {
    const { attempts, pauses, givenUp } = await run(2, { bad: new Set([1]), verdict: 'reject' });
    assert.deepEqual(attempts, [[0, 1], [0], [1]]);
    assert.deepEqual({ pauses, givenUp }, { pauses: 0, givenUp: [1] });
  });

  it('waits out an outage of any length without splitting or giving up', async () => {
    const { attempts, givenUp, pauses } = await run(4, { outages: 50 });
    assert.equal(attempts.length, 51);
    assert.ok(attempts.every((batch) => batch.length === 4));
    assert.deepEqual({ givenUp, pauses }, { givenUp: [], pauses: 50 });
  });

  it('does nothing more once a pause has abandoned the batch', async () => {
    await assert.rejects(run(3, { bad: new Set([1]), abandonAfter: 0 }), /abandoned/);
  });

  it('does not take a failing commit for a failing handler', async () => {
    let attempts = 0;
    const work = workThrough([1, 2], {
      attempts: { whole: 5, alone: 5 },
      attempt: async () => void attempts++,
      judge: async () => 'count',
      pause: async () => assert.fail('no pause expected'),
      giveUp: async () => assert.fail('nothing is to be given up'),
      done: () => Promise.reject(new Error('commit failed')),
    });
    await assert.rejects(work, /commit failed/);
    assert.equal(attempts, 1);
  });
});
