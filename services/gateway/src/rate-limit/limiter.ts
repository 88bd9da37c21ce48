import type { Logger, Metrics } from '@punctual/telemetry';
import { createLocalBuckets } from './local-buckets.ts';
import type { RedisBuckets } from './redis-buckets.ts';
import type { BucketDecision, BucketPolicy } from './token-bucket.ts';

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

  async function askRedis(key: string, policy: BucketPolicy): Promise<BucketDecision> {
    try {
      const decision = await redis.take(key, policy);
      fromRedis.inc();
      return decision;
    } catch (error) {
      logger.debug('redis did not answer, counting locally', { error });
      return countLocally(key, policy);
    }
  }

  function countLocally(key: string, policy: BucketPolicy): BucketDecision {
    fromLocal.inc();
    return local.take(key, policy, now());
  }

  return {
    take(service, client, policy) {
      // The braces make the whole name the cluster's hash tag.
      const key = `{rl:${service}:${client}}`;
      return redis.isAskable() ? askRedis(key, policy) : countLocally(key, policy);
    },
  };
}
