import assert from 'node:assert/strict';
import { createMetrics, silentLogger } from '@punctual/telemetry';
import { createLimiter } from './limiter.ts';
import type { RedisBuckets } from './redis-buckets.ts';
import type { BucketDecision } from './token-bucket.ts';

const POLICY = { perSecond: 1, burst: 2 };
const FROM_REDIS: BucketDecision = { allowed: true, remaining: 99, fullAfterMs: 0, retryAfterMs: 0 };

describe('the limiter', () => {
  let nowMs: number;
  let isAskable: boolean;
  let isFailing: boolean;
  let asked: string[];
  let take: ReturnType<typeof createLimiter>['take'];

  beforeEach(() => {
    nowMs = 1_000_000;
    isAskable = true;
    isFailing = false;
    asked = [];
    const redis: RedisBuckets = {
      isReady: () => true,
      isAskable: () => isAskable,
      async take(key) {
        asked.push(key);
        if (isFailing) throw new Error('Command timed out');
        return FROM_REDIS;
      },
      start: () => undefined,
      stop: () => undefined,
    };
    take = createLimiter({
      redis,
      logger: silentLogger(),
      metrics: createMetrics('test'),
      now: () => nowMs,
    }).take;
  });

  it('asks Redis, with the whole key as the cluster’s hash tag', async () => {
    assert.equal(await take('order', 'u:7', POLICY), FROM_REDIS);
    assert.deepEqual(asked, ['{rl:order:u:7}']);
  });

  it('counts locally when Redis fails, from the same bucket each time', async () => {
    isFailing = true;
    assert.equal((await take('order', 'u:7', POLICY)).remaining, 1);
    assert.equal((await take('order', 'u:7', POLICY)).remaining, 0);
    assert.equal((await take('order', 'u:7', POLICY)).allowed, false);
    nowMs += 1_001;
    assert.equal((await take('order', 'u:7', POLICY)).allowed, true);
  });

  it('does not ask Redis while that is of no use', async () => {
    isAskable = false;
    assert.equal((await take('order', 'u:7', POLICY)).remaining, 1);
    assert.deepEqual(asked, []);
    isAskable = true;
    assert.equal(await take('order', 'u:7', POLICY), FROM_REDIS);
  });
});
