import type { Policies } from '@punctual/resilience';
import type { Logger } from '@punctual/telemetry';
import { Cluster, type Result } from 'ioredis';
import type { BucketDecision, BucketPolicy } from './token-bucket.ts';

const CONNECT_TIMEOUT_MS = 1_000;
const RECONNECT_MS = 500;
/** ioredis forgets a command without an answer after so many time limits; the policy has given it up by then. */
const FORGET_FACTOR = 5;
/** More requests than the gateway admits, for all its services together: here a bulkhead has nothing to add. */
const MAX_ASKING = 5_000;
/** Requests come many at a time, so that a frozen Redis is noticed within about one time limit all the same. */
const BREAK_AFTER = 5;

/**
 * `takeToken` in microseconds, on the server's own clock, so that gateways with different clocks agree. Numbers are written with
 * `%.0f`: Lua's own form has 14 digits, too few for microseconds since 1970. One microsecond is forgiven for rounding.
 */
const TAKE_TOKEN = `
local interval = 1000000 / tonumber(ARGV[1])
local capacity = tonumber(ARGV[2]) * interval
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local missing = math.max(0, tonumber(redis.call('GET', KEYS[1]) or '0') - now)
local after = missing + interval
if after > capacity + 1 then
  return {0, 0, math.ceil(missing / 1000), math.ceil((after - capacity) / 1000)}
end
redis.call('SET', KEYS[1], string.format('%.0f', now + after), 'PX', math.ceil(after / 1000))
return {1, math.max(0, math.floor((capacity - after + 1) / interval)), math.ceil(after / 1000), 0}
`;

declare module 'ioredis' {
  interface RedisCommander<Context> {
    takeToken(key: string, perSecond: number, burst: number): Result<[number, number, number, number], Context>;
  }
}

/** Buckets that all gateways share. `take` rejects within milliseconds when Redis is away, and at once while its breaker is open. */
export type RedisBuckets = {
  /** Connected. */
  isReady(): boolean;
  /** Whether it is worth asking: neither still starting nor kept back by the breaker. */
  isAskable(): boolean;
  take(key: string, policy: BucketPolicy): Promise<BucketDecision>;
  /** Connects in the background and for ever; returns at once. */
  start(): void;
  stop(): void;
};

export type RedisBucketsOptions = {
  readonly nodes: readonly { host: string; port: number }[];
  /** Redis is asked on every request, so it may cost this much and no more. */
  readonly commandTimeoutMs: number;
  readonly policies: Policies;
  readonly logger: Logger;
};

export function createRedisBuckets({ nodes, commandTimeoutMs, policies, logger }: RedisBucketsOptions): RedisBuckets {
  const cluster = new Cluster([...nodes], {
    lazyConnect: true,
    enableOfflineQueue: false,
    // Commands of one tick that go to one node share a round trip.
    enableAutoPipelining: true,
    clusterRetryStrategy: () => RECONNECT_MS,
    retryDelayOnFailover: 0,
    retryDelayOnClusterDown: 0,
    retryDelayOnTryAgain: 0,
    maxRedirections: 2,
    slotsRefreshTimeout: CONNECT_TIMEOUT_MS,
    redisOptions: {
      connectTimeout: CONNECT_TIMEOUT_MS,
      commandTimeout: commandTimeoutMs * FORGET_FACTOR,
      maxRetriesPerRequest: 0,
    },
  });
  cluster.defineCommand('takeToken', { numberOfKeys: 1, lua: TAKE_TOKEN });
  const policy = policies.create('redis', {
    timeoutMs: commandTimeoutMs,
    concurrency: MAX_ASKING,
    queue: 0,
    breakAfter: BREAK_AFTER,
  });
  /** Until the first connection is made or fails: that it is not there yet is no outage. */
  let isStarting = true;
  let wasReachable: boolean | undefined;
  const note = (isReachable: boolean, error?: unknown): void => {
    isStarting = false;
    if (wasReachable === isReachable) return;
    wasReachable = isReachable;
    if (isReachable) logger.info('rate limits are shared through redis');
    else logger.warn('redis is away, rate limits are counted locally', { error });
  };
  cluster.on('ready', () => note(true));
  cluster.on('error', (error) => note(false, error));
  cluster.on('close', () => note(false));

  return {
    isReady: () => cluster.status === 'ready',
    isAskable: () => !isStarting && policy.state !== 'open',
    async take(key, bucket) {
      const [allowed, remaining, fullAfterMs, retryAfterMs] = await policy.execute(() => {
        if (cluster.status !== 'ready') throw new Error('redis is not connected');
        return cluster.takeToken(key, bucket.perSecond, bucket.burst);
      });
      return { allowed: allowed === 1, remaining, fullAfterMs, retryAfterMs };
    },
    start() {
      // It goes on trying by itself; the first failure is only noted.
      cluster.connect().catch((error: unknown) => note(false, error));
    },
    stop() {
      cluster.disconnect();
    },
  };
}
