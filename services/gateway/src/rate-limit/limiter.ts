import type { Logger, Metrics } from '@punctual/telemetry';
import { createLocalBuckets } from './local-buckets.ts';
import type { RedisBuckets } from './redis-buckets.ts';
import type { BucketDecision, BucketPolicy } from './token-bucket.ts';

/** After a failure Redis is left alone this long; then one request tries it while the others still count locally. */
const PAUSE_MS = 1_000;

export type Limiter = {
  /** Takes one token of the client's bucket for the service. Never fails: without Redis it counts locally. */
  take(service: string, client: string, policy: BucketPolicy): BucketDecision | Promise<BucketDecision>;
};

export type LimiterOptions = { redis: RedisBuckets; logger: Logger; metrics: Metrics; now?: () => number };

export function createLimiter({ redis, logger, metrics, now = Date.now }: LimiterOptions): Limiter {
  const local = createLocalBuckets();
  const decisions = metrics.counter({
    name: 'gateway_rate_limit_decisions_total',
    help: 'Tokens asked for, by where the bucket was.',
    labelNames: ['store'],
  });
  const fromRedis = decisions.labels('redis');
  const fromLocal = decisions.labels('local');
  let pausedUntilMs = 0;
  let isTrying = false;

  async function askRedis(key: string, policy: BucketPolicy): Promise<BucketDecision> {
    const isFirstAfterPause = pausedUntilMs !== 0;
    isTrying = isFirstAfterPause;
    try {
      const decision = await redis.take(key, policy);
      pausedUntilMs = 0;
      fromRedis.inc();
      return decision;
    } catch (error) {
      if (pausedUntilMs === 0) logger.warn('redis did not answer, counting locally', { error });
      pausedUntilMs = now() + PAUSE_MS;
      fromLocal.inc();
      return local.take(key, policy, now());
    } finally {
      if (isFirstAfterPause) isTrying = false;
    }
  }

  return {
    take(service, client, policy) {
      // The braces make the whole name the cluster's hash tag.
      const key = `{rl:${service}:${client}}`;
      const isPaused = pausedUntilMs !== 0 && (isTrying || now() < pausedUntilMs);
      if (isPaused || !redis.isReady()) {
        fromLocal.inc();
        return local.take(key, policy, now());
      }
      return askRedis(key, policy);
    },
  };
}
