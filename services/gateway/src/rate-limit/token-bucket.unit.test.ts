import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createLocalBuckets } from './local-buckets.ts';
import { takeToken } from './token-bucket.ts';

const START_MS = 1_790_000_000_000;

describe('a token bucket', () => {
  it('starts full, empties one by one, and says when the next token comes', () => {
    const policy = { perSecond: 10, burst: 3 };
    let fullAtMs = 0;
    const remaining: number[] = [];
    for (let index = 0; index < 3; index += 1) {
      const taken = takeToken(policy, fullAtMs, START_MS);
      fullAtMs = taken.fullAtMs;
      assert.ok(taken.decision.allowed);
      remaining.push(taken.decision.remaining);
    }
    assert.deepEqual(remaining, [2, 1, 0]);
    const refused = takeToken(policy, fullAtMs, START_MS);
    assert.deepEqual(refused.decision, { allowed: false, remaining: 0, fullAfterMs: 300, retryAfterMs: 100 });
    assert.equal(refused.fullAtMs, fullAtMs);
    assert.ok(takeToken(policy, fullAtMs, START_MS + 100).decision.allowed);
  });

  it('is full again after a pause, and not fuller', () => {
    const { decision } = takeToken({ perSecond: 10, burst: 3 }, START_MS - 3_600_000, START_MS);
    assert.equal(decision.remaining, 2);
  });

  it('never gives more than its burst and what came back since', () => {
    fc.assert(
      fc.property(
        fc.record({ perSecond: fc.integer({ min: 1, max: 200 }), burst: fc.integer({ min: 1, max: 50 }) }),
        fc.array(fc.integer({ min: 0, max: 500 }), { minLength: 1, maxLength: 200 }),
        (policy, pausesMs) => {
          let nowMs = START_MS;
          let fullAtMs = 0;
          let allowed = 0;
          for (const pauseMs of pausesMs) {
            nowMs += pauseMs;
            const taken = takeToken(policy, fullAtMs, nowMs);
            fullAtMs = taken.fullAtMs;
            if (taken.decision.allowed) allowed += 1;
            assert.ok(taken.decision.remaining >= 0 && taken.decision.remaining < policy.burst);
          }
          const elapsedMs = nowMs - START_MS;
          assert.ok(allowed <= policy.burst + (elapsedMs * policy.perSecond) / 1_000 + 0.05);
        },
      ),
    );
  });

  it('lets the next token through after exactly the time it said', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000 }), fc.integer({ min: 1, max: 20 }), (perSecond, burst) => {
        const policy = { perSecond, burst };
        let fullAtMs = 0;
        for (let index = 0; index < burst; index += 1) fullAtMs = takeToken(policy, fullAtMs, START_MS).fullAtMs;
        const { decision } = takeToken(policy, fullAtMs, START_MS);
        if (decision.allowed) return;
        assert.ok(takeToken(policy, fullAtMs, START_MS + Math.ceil(decision.retryAfterMs)).decision.allowed);
      }),
    );
  });
});

describe('local buckets', () => {
  const policy = { perSecond: 1, burst: 1 };

  it('keep clients apart', () => {
    const buckets = createLocalBuckets();
    assert.ok(buckets.take('a', policy, START_MS).allowed);
    assert.ok(!buckets.take('a', policy, START_MS).allowed);
    assert.ok(buckets.take('b', policy, START_MS).allowed);
  });

  it('forget the bucket that was not used for longest when there are too many', () => {
    const buckets = createLocalBuckets(2);
    buckets.take('a', policy, START_MS);
    buckets.take('b', policy, START_MS);
    buckets.take('a', policy, START_MS);
    buckets.take('c', policy, START_MS);
    assert.ok(!buckets.take('a', policy, START_MS).allowed);
    assert.ok(buckets.take('b', policy, START_MS).allowed);
  });
});
