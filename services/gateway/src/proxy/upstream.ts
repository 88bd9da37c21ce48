import { Pool } from 'undici';

export type UpstreamOptions = {
  name: string;
  /** An origin such as `http://127.0.0.1:3001`. */
  url: string;
  timeoutMs: number;
  connectTimeoutMs: number;
  /** The most connections; requests beyond wait for a free one. */
  connections: number;
  /** The most requests that are under way or wait; more are refused at once. */
  maxInFlight: number;
};

/** One service behind the gateway, with its kept connections. */
export type Upstream = {
  readonly name: string;
  readonly origin: string;
  readonly timeoutMs: number;
  readonly maxInFlight: number;
  readonly pool: Pool;
  /** Asked apart from the pool, so that a busy service is not taken for a dead one. */
  readonly healthPool: Pool;
  inFlight: number;
  close(): Promise<void>;
};

/** Below the keep-alive time of any server that we stand in front of: whoever closes first must be us, or a request is lost. */
const KEEP_ALIVE_MS = 4_000;

export function createUpstream(options: UpstreamOptions): Upstream {
  const origin = new URL(options.url).origin;
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
  return {
    name: options.name,
    origin,
    timeoutMs: options.timeoutMs,
    maxInFlight: options.maxInFlight,
    pool,
    healthPool,
    inFlight: 0,
    async close() {
      await Promise.all([pool.destroy(), healthPool.destroy()]);
    },
  };
}
