import assert from 'node:assert/strict';
import fc from 'fast-check';
import { GENERAL_LADDER_MS, pickRung, rungsOf, slackMs } from './rungs.ts';

const HOUR_MS = 3_600_000;
const anyDelay = fc.integer({ min: 1, max: 48 * HOUR_MS });
const anySteps = fc.array(fc.integer({ min: 1, max: 24 * HOUR_MS }), { maxLength: 6 });

/** Hops until nothing remains, in a world where deliveries take no time. */
function hop(delayMs: number, rungs: readonly number[]): { hops: number; lateMs: number } {
  let remaining = delayMs;
  let hops = 0;
  for (let rung = pickRung(remaining, rungs); rung !== undefined; rung = pickRung(remaining, rungs)) {
    remaining -= rung;
    hops += 1;
  }
  return { hops, lateMs: 0 - remaining };
}

describe('the rungs of a delayed exchange', () => {
  it('meet any due time on the general ladder: never early, and late by 250 ms at most', () => {
    fc.assert(
      fc.property(anyDelay, anySteps, (delayMs, stepsMs) => {
        const { lateMs } = hop(delayMs, rungsOf({ stepsMs, arbitrary: true }));
        assert.ok(lateMs >= 0 && lateMs <= 250, `late by ${lateMs} ms`);
      }),
    );
  });

  it('need few hops: less than six per rung of the ladder, and one for each 12 hours', () => {
    fc.assert(
      fc.property(anyDelay, (delayMs) => {
        const { hops } = hop(delayMs, rungsOf({ stepsMs: [], arbitrary: true }));
        assert.ok(hops <= Math.floor(delayMs / (12 * HOUR_MS)) + 6 * GENERAL_LADDER_MS.length, `${hops} hops`);
      }),
    );
  });

  it('keep a declared delay exactly, with one hop', () => {
    fc.assert(
      fc.property(anySteps, fc.nat(), (stepsMs, pick) => {
        const step = stepsMs[pick % Math.max(1, stepsMs.length)];
        fc.pre(step !== undefined);
        assert.deepEqual(hop(step, rungsOf({ stepsMs, arbitrary: false })), { hops: 1, lateMs: 0 });
      }),
    );
  });

  it('still use one hop for a declared delay that was published a moment late', () => {
    const rungs = rungsOf({ stepsMs: [4 * HOUR_MS, 8 * HOUR_MS], arbitrary: true });
    assert.deepEqual(hop(4 * HOUR_MS - 40, rungs), { hops: 1, lateMs: 40 });
  });

  it('without the ladder are late by their smallest step at most', () => {
    fc.assert(
      fc.property(anyDelay, anySteps, (delayMs, stepsMs) => {
        fc.pre(stepsMs.length > 0);
        const rungs = rungsOf({ stepsMs, arbitrary: false });
        fc.pre(delayMs / (rungs[0] ?? 1) < 10_000);
        const { lateMs } = hop(delayMs, rungs);
        assert.ok(lateMs >= 0 && lateMs <= Math.max(rungs[0] ?? 0, slackMs(delayMs)));
      }),
    );
  });

  it('have nothing to wait for when the time has come, and refuse to wait without any delay', () => {
    assert.equal(pickRung(0, [100]), undefined);
    assert.equal(pickRung(-5, [100]), undefined);
    assert.throws(() => pickRung(5, []), RangeError);
  });
});
