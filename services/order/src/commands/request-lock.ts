import { randomUUID } from 'node:crypto';
import type { Policies, Policy } from '@punctual/resilience';
import type { Logger, Metrics } from '@punctual/telemetry';
import { Cluster, type Result } from 'ioredis';

/** Longer than placing an order takes, shorter than a client waits before it tries again. */
const TTL_MS = 5_000;
/** Redis that is away may cost this much, and no more. */
const COMMAND_TIMEOUT_MS = 100;
/** When ioredis forgets a command that got no answer; the policy has given it up by then. */
const FORGET_COMMAND_MS = 500;
/** Far more than are ever placed at once: a bulkhead here would only say that Redis is slow, which the time limit says already. */
const MAX_ASKING = 1_000;
/** Orders come many at a time, so that a frozen Redis is noticed within about one time limit all the same. */
const BREAK_AFTER = 5;
const CONNECT_TIMEOUT_MS = 1_000;
const RECONNECT_STEP_MS = 100;
const RECONNECT_MAX_MS = 2_000;

/** `held`: a twin of this request is being worked on. `unavailable`: nobody knows, and the database decides alone. */
export type LockOutcome =
  | { state: 'acquired'; release(): Promise<void> }
  | { state: 'held' }
  | { state: 'unavailable' };

/**
 * Keeps twins of one request from doing the same work at once. It relieves; it decides nothing: the unique constraint on
 * (user_id, request_id) is what makes an order single, so that losing Redis, or a lock in it, loses nothing.
 */
export type RequestLocks = {
  readonly name: string;
  /** Never rejects. */
  acquire(userId: number, requestId: string): Promise<LockOutcome>;
  ping(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
};

export type RequestLocksOptions = {
  nodes: readonly { host: string; port: number }[];
  /** In front of every key, so that deployments may share a cluster. */
  keyPrefix: string;
  policies: Policies;
  logger: Logger;
  metrics: Metrics;
};

export function createRequestLocks({ nodes, keyPrefix, policies, logger, metrics }: RequestLocksOptions): RequestLocks {
  const outcomes = metrics.counter({
    name: 'redis_lock_total',
    help: 'Locks asked for on request ids, by what came of it',
    labelNames: ['outcome'],
  });
  const cluster = new Cluster([...nodes], {
    lazyConnect: true,
    enableOfflineQueue: false,
    enableAutoPipelining: true,
    // After a slot has moved, one retry finds it; more would cost time that the lock is not worth.
    maxRedirections: 2,
    retryDelayOnFailover: COMMAND_TIMEOUT_MS,
    slotsRefreshTimeout: CONNECT_TIMEOUT_MS,
    clusterRetryStrategy: (attempt) => Math.min(attempt * RECONNECT_STEP_MS, RECONNECT_MAX_MS),
    redisOptions: {
      commandTimeout: FORGET_COMMAND_MS,
      connectTimeout: CONNECT_TIMEOUT_MS,
      maxRetriesPerRequest: 0,
    },
  });
  cluster.defineCommand('releaseLock', { numberOfKeys: 1, lua: RELEASE });
  cluster.on('error', (error) => logger.debug('redis reported an error', { error }));
  const policy = policies.create('redis', {
    timeoutMs: COMMAND_TIMEOUT_MS,
    concurrency: MAX_ASKING,
    queue: 0,
    breakAfter: BREAK_AFTER,
  });
  /** Until the first connection is made or fails: that it is not there yet is no outage. */
  let isStarting = true;
  const started = () => {
    isStarting = false;
  };
  cluster.once('ready', started);
  cluster.once('close', started);

  return {
    name: 'redis',
    async acquire(userId, requestId) {
      // The policy would say the same of an open breaker, for the price of an error.
      if (isStarting || policy.state === 'open') {
        outcomes.inc({ outcome: 'unavailable' });
        return { state: 'unavailable' };
      }
      const key = `{${keyPrefix}order-request:${userId}:${requestId}}`;
      const outcome = await acquireOnce({ cluster, policy, key, logger });
      outcomes.inc({ outcome: outcome.state });
      return outcome;
    },
    async ping() {
      await cluster.ping();
    },
    /** Connects in the background, for ever: orders are taken without Redis too. */
    async start() {
      cluster.connect().catch((error: unknown) => logger.warn('redis is not there yet', { error }));
    },
    async stop() {
      cluster.disconnect();
    },
  };
}

/** Deletes the key only while it holds the token: a lock that ran out may be somebody else's by now. */
const RELEASE = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;

declare module 'ioredis' {
  interface RedisCommander<Context> {
    releaseLock(key: string, token: string): Result<number, Context>;
  }
}

/** The lock of Redis' own documentation for a single master, which is what a cluster has for a key. */
async function acquireOnce({
  cluster,
  policy,
  key,
  logger,
}: {
  cluster: Cluster;
  policy: Policy;
  key: string;
  logger: Logger;
}): Promise<LockOutcome> {
  const token = nextToken();
  const ask = <T>(command: () => Promise<T>) =>
    policy.execute(() => {
      if (cluster.status !== 'ready') throw new Error('redis is not connected');
      return command();
    });
  try {
    if ((await ask(() => cluster.set(key, token, 'PX', TTL_MS, 'NX'))) === null) return { state: 'held' };
  } catch (error) {
    logger.debug('request lock could not be had', { error });
    return { state: 'unavailable' };
  }
  return {
    state: 'acquired',
    async release() {
      try {
        await ask(() => cluster.releaseLock(key, token));
      } catch (error) {
        // It runs out by itself, at the latest after its TTL.
        logger.debug('request lock was not released', { error });
      }
    },
  };
}

const PROCESS_TOKEN = randomUUID();
let tokens = 0;

/** Different from every other, in this process and in all others. */
function nextToken(): string {
  tokens += 1;
  return `${PROCESS_TOKEN}:${tokens}`;
}
