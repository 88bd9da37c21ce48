import type { Instance, Resolver } from '@punctual/coordination';
import type { Breaker } from '@punctual/resilience';
import { Pool } from 'undici';

export type UpstreamOptions = {
  name: string;
  /** Knows where the instances of the service with this name are. */
  resolver: Resolver;
  breaker: Breaker;
  timeoutMs: number;
  connectTimeoutMs: number;
  /** The most connections to one instance; requests beyond wait for a free one. */
  connections: number;
  /** The most requests that are under way or wait; more are refused at once. */
  maxInFlight: number;
  now?: () => number;
};

/** One instance of the service, with its kept connections. */
export type Target = {
  readonly address: string;
  readonly origin: string;
  readonly pool: Pool;
  /** Asked apart from the pool, so that a busy service is not taken for a dead one. */
  readonly healthPool: Pool;
  inFlight: number;
  /** Left out until then, while there are others. */
  restsUntilMs: number;
};

/** One service behind the gateway, with all of its instances that are known. */
export type Upstream = {
  readonly name: string;
  readonly timeoutMs: number;
  readonly maxInFlight: number;
  readonly maxUploads: number;
  readonly breaker: Breaker;
  readonly targets: readonly Target[];
  inFlight: number;
  /** Those in flight whose body is streamed. */
  uploads: number;
  /** The least busy of those that were not tried yet; undefined when all were. */
  choose(tried: readonly Target[]): Target | undefined;
  /** Leaves an instance out for a while: it refused a connection, or broke one. */
  rest(target: Target): void;
  close(): Promise<void>;
};

/** Below the keep-alive time of any server that we stand in front of: whoever closes first must be us, or a request is lost. */
const KEEP_ALIVE_MS = 4_000;
/** Long enough that few requests meet a dead instance until discovery has noticed, short enough to matter little by mistake. */
const REST_MS = 2_000;
/** Of what may be in flight: an upload lasts as long as its client likes, and must leave room and connections for everybody else. */
const UPLOAD_SHARE = 1 / 4;

export function createUpstream(options: UpstreamOptions): Upstream {
  const { name, resolver, breaker, timeoutMs, maxInFlight, now = () => performance.now() } = options;
  let targets: readonly Target[] = [];
  let turn = 0;
  const unwatch = resolver.watch(name, follow);

  /** What stays keeps its connections; what left finishes what it has. */
  function follow(instances: readonly Instance[]): void {
    const present = new Map(targets.map((target) => [target.address, target]));
    targets = instances.map(({ http }) => present.get(http) ?? createTarget(http, options));
    for (const target of present.values()) if (!targets.includes(target)) void closeTarget(target);
    // There is news, such as an instance that is back: what was learnt of the old ones may be past.
    for (const target of targets) target.restsUntilMs = 0;
    breaker.reset();
  }

  return {
    name,
    timeoutMs,
    maxInFlight,
    breaker,
    maxUploads: Math.max(1, Math.floor(maxInFlight * UPLOAD_SHARE)),
    inFlight: 0,
    uploads: 0,
    get targets() {
      return targets;
    },
    choose(tried) {
      turn = (turn + 1) % Math.max(1, targets.length);
      let best: Target | undefined;
      let resting: Target | undefined;
      const nowMs = targets.length > 1 ? now() : 0;
      for (let step = 0; step < targets.length; step += 1) {
        const target = targets[(turn + step) % targets.length];
        if (target === undefined || tried.includes(target)) continue;
        if (target.restsUntilMs > nowMs) resting ??= target;
        else if (best === undefined || target.inFlight < best.inFlight) best = target;
      }
      return best ?? resting;
    },
    rest(target) {
      target.restsUntilMs = now() + REST_MS;
    },
    async close() {
      unwatch();
      await Promise.all(targets.flatMap(({ pool, healthPool }) => [pool.destroy(), healthPool.destroy()]));
    },
  };
}

function createTarget(address: string, options: UpstreamOptions): Target {
  const origin = `http://${address}`;
  const connect = { timeout: options.connectTimeoutMs };
  const pool = new Pool(origin, {
    connections: options.connections,
    pipelining: 1,
    keepAliveTimeout: KEEP_ALIVE_MS,
    keepAliveMaxTimeout: KEEP_ALIVE_MS,
    allowH2: false,
    connect,
    // The proxy's own deadline covers waiting for a connection too.
    headersTimeout: 0,
    bodyTimeout: options.timeoutMs,
  });
  const healthPool = new Pool(origin, { connections: 1, pipelining: 1, allowH2: false, connect });
  return { address, origin, pool, healthPool, inFlight: 0, restsUntilMs: 0 };
}

/** A connection that breaks meanwhile is the business of the request on it. */
async function closeTarget({ pool, healthPool }: Target): Promise<void> {
  await Promise.allSettled([pool.close(), healthPool.destroy()]);
}
