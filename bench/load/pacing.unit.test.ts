import assert from 'node:assert/strict';
import fc from 'fast-check';
import { dueAtMs, dueCount, requestsOf } from './pacing.ts';

const pace = fc.record({
  ratePerSecond: fc.integer({ min: 1, max: 20_000 }),
  seconds: fc.integer({ min: 1, max: 60 }),
});

describe('pacing', () => {
  it('sends every request of the load, evenly, however seldom the timer comes by', () => {
    fc.assert(
      fc.property(pace, fc.array(fc.double({ min: 0, max: 500, noNaN: true })), (given, steps) => {
        let elapsedMs = 0;
        let before = 0;
        for (const stepMs of steps) {
          elapsedMs += stepMs;
          const due = dueCount(given, elapsedMs);
          assert.ok(due >= before);
          if (due < requestsOf(given)) {
            assert.ok(dueAtMs(given, due - 1) <= elapsedMs + 1e-6, 'sent before it was due');
            assert.ok(dueAtMs(given, due) >= elapsedMs - 1e-6, 'not sent although it was due');
          }
          before = due;
        }
        assert.equal(dueCount(given, given.seconds * 1_000), requestsOf(given));
      }),
    );
  });

  it('has nothing to send before the start', () => {
    assert.equal(dueCount({ ratePerSecond: 100, seconds: 1 }, -1), 0);
  });
});
