import assert from 'node:assert/strict';
import { createMetrics, silentLogger } from '@punctual/telemetry';
import { createLimiter } from './limiter.ts';
import type { RedisBuckets } from './redis-buckets.ts';
import type { BucketDecision } from './token-bucket.ts';

const POLICY = { perSecond: 1, burst: 2 };
const FROM_REDIS: BucketDecision = { allowed: true, remaining: 99, fullAfterMs: 0, retryAfterMs: 0 };

describe('the limiter', () => {
  let nowMs: number;
  let isReady: boolean;
  let isFailing: boolean;
  let pending: PromiseWithResolvers<BucketDecision> | undefined;
  let asked: string[];
  let take: ReturnType<typeof createLimiter>['take'];

  beforeEach(() => {
    nowMs = 1_000_000;
    isReady = true;
    isFailing = false;
    pending = undefined;
    asked = [];
    const redis: RedisBuckets = {
      isReady: () => isReady,
      async take(key) {
        asked.push(key);
        if (pending !== undefined) return pending.promise;
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

  it('counts locally when Redis fails, and leaves it alone for a second', async () => {
    isFailing = true;
    assert.equal((await take('order', 'u:7', POLICY)).remaining, 1);
    assert.equal((await take('order', 'u:7', POLICY)).remaining, 0);
    assert.equal((await take('order', 'u:7', POLICY)).allowed, false);
    assert.equal(asked.length, 1);
  });

  it('tries Redis with one request after the pause, the others still count locally', async () => {
    isFailing = true;
    await take('order', 'u:7', POLICY);
    nowMs += 1_001;
    isFailing = false;
    pending = Promise.withResolvers();
    const trying = take('order', 'u:8', POLICY);
    assert.equal((await take('order', 'u:9', POLICY)).remaining, 1);
    assert.equal(asked.length, 2);
    pending.resolve(FROM_REDIS);
    assert.equal(await trying, FROM_REDIS);
    pending = undefined;
    assert.equal(await take('order', 'u:9', POLICY), FROM_REDIS);
  });

  it('pauses again when the trial fails', async () => {
    isFailing = true;
    await take('order', 'u:7', POLICY);
    nowMs += 1_001;
    await take('order', 'u:7', POLICY);
    await take('order', 'u:7', POLICY);
    assert.equal(asked.length, 2);
  });

  it('does not ask Redis before it is connected', async () => {
    isReady = false;
    assert.equal((await take('order', 'u:7', POLICY)).remaining, 1);
    assert.deepEqual(asked, []);
  });
});
