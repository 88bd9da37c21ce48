import { createVerifier, httpServer } from '@punctual/http';
import { type Component, lifecycle } from '@punctual/lifecycle';
import { createLogger, createMetrics, type Logger, type Metrics } from '@punctual/telemetry';
import express, { type Express } from 'express';
import packageJson from '../package.json' with { type: 'json' };
import type { GatewayConfig } from './config.ts';
import { answerThrown, answerUnknown, refuseAmbiguity } from './edge/answer-errors.ts';
import { createAuthorizer } from './edge/authorize.ts';
import { crossOrigin } from './edge/cross-origin.ts';
import { observeRequests } from './edge/observe-requests.ts';
import { requestState } from './edge/request-state.ts';
import { MOUNTS } from './edge/request-target.ts';
import { createRouteTable, PLATFORM_SEGMENTS } from './edge/route-table.ts';
import { API_SECURITY, securityHeaders } from './edge/security-headers.ts';
import { readAsyncApi } from './platform/asyncapi.ts';
import { createHealth } from './platform/health.ts';
import { contractRoutes, publicOpenApi } from './platform/openapi.ts';
import { platformRoutes } from './platform/platform-routes.ts';
import { createProxy, type Destination } from './proxy/proxy.ts';
import { createUpstream, type Upstream } from './proxy/upstream.ts';
import { createLimiter } from './rate-limit/limiter.ts';
import { createRedisBuckets } from './rate-limit/redis-buckets.ts';

export type Gateway = {
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Known once started. */
  readonly url: string;
};

/** What a test may bring of its own. */
export type GatewayDependencies = { logger?: Logger; metrics?: Metrics };

/** Puts the gateway together; nothing is opened before start. */
export function buildApp(config: GatewayConfig, dependencies: GatewayDependencies = {}): Gateway {
  const logger = dependencies.logger ?? createLogger({ service: 'gateway', level: config.LOG_LEVEL });
  const metrics = dependencies.metrics ?? createMetrics('gateway');
  const publicUrl = config.PUBLIC_URL.replace(/\/+$/, '');
  let isStopping = false;

  const redis = createRedisBuckets({ nodes: config.REDIS_NODES, commandTimeoutMs: config.REDIS_TIMEOUT, logger });
  const destinations = createDestinations(config);
  const upstreams = destinations.map(({ value }) => value.upstream);
  observeInFlight(metrics, upstreams);
  const health = createHealth({
    version: packageJson.version,
    upstreams,
    isRedisReady: redis.isReady,
    isStopping: () => isStopping,
    logger,
  });
  const app = createEdge({
    config,
    logger,
    metrics,
    platform: platformRoutes({
      health,
      metrics,
      openapi: publicOpenApi(publicUrl, packageJson.version),
      asyncapi: readAsyncApi(),
      publicUrl,
    }),
    proxy: createProxy({
      table: createRouteTable(destinations),
      verifier: createVerifier({
        jwksUrl: config.JWKS_URL,
        issuer: config.JWT_ISSUER,
        audience: config.JWT_AUDIENCE,
        logger,
      }),
      authorize: createAuthorizer(contractRoutes),
      limiter: createLimiter({ redis, logger, metrics }),
      publicUrl,
      bodyLimitBytes: config.BODY_LIMIT,
      logger,
      metrics,
    }),
  });
  const server = httpServer({
    app,
    host: config.HOST,
    port: config.PORT,
    logger,
    requestTimeoutMs: config.CLIENT_REQUEST_TIMEOUT,
    headersTimeoutMs: config.CLIENT_HEADERS_TIMEOUT,
  });

  const components = lifecycle(logger);
  for (const component of [redisComponent(redis), upstreamsComponent(upstreams), server]) components.add(component);
  return {
    start: () => components.start(),
    stop() {
      isStopping = true;
      return components.stop();
    },
    get url() {
      return server.url;
    },
  };
}

type EdgeOptions = {
  config: GatewayConfig;
  logger: Logger;
  metrics: Metrics;
  platform: express.Router;
  proxy: express.RequestHandler;
};

/** The order matters: every answer, errors included, has ids, security headers and CORS. */
function createEdge({ config, logger, metrics, platform, proxy }: EdgeOptions): Express {
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('case sensitive routing');
  // The gateway counts the hops itself; Express's own reading of forwarded headers stays off.
  app.set('trust proxy', false);
  app.set('query parser', false);
  app.use(observeRequests({ logger, metrics, trustedHops: config.TRUSTED_HOPS }));
  app.use(securityHeaders(API_SECURITY));
  app.use(crossOrigin(config.CORS_ORIGINS));
  app.use(refuseAmbiguity);
  app.use(proxyUnlessPlatform(proxy));
  for (const mount of MOUNTS) app.use(mount === '' ? '/' : mount, platform);
  app.use(answerUnknown);
  app.use(answerThrown(logger));
  return app;
}

/** Spares proxied requests the platform's routes, and the platform's requests the proxy. */
function proxyUnlessPlatform(proxy: express.RequestHandler): express.RequestHandler {
  return (req, res, next) => {
    const first = requestState(res).target?.segments[0] ?? '';
    if (PLATFORM_SEGMENTS.has(first)) next();
    else return proxy(req, res, next);
  };
}

function createDestinations(config: GatewayConfig): { prefixes: readonly string[]; value: Destination }[] {
  const usual = { perSecond: config.RATE_LIMIT_PER_SECOND, burst: config.RATE_LIMIT_BURST };
  return config.GATEWAY_ROUTES.map((route) => ({
    prefixes: route.prefixes,
    value: {
      upstream: createUpstream({
        name: route.name,
        url: route.url,
        timeoutMs: route.timeoutMs ?? config.UPSTREAM_TIMEOUT,
        connectTimeoutMs: config.UPSTREAM_CONNECT_TIMEOUT,
        connections: config.UPSTREAM_CONNECTIONS,
        maxInFlight: config.MAX_IN_FLIGHT,
      }),
      policy: config.RATE_LIMIT_SERVICES[route.name] ?? route.rateLimit ?? usual,
    },
  }));
}

function observeInFlight(metrics: Metrics, upstreams: readonly Upstream[]): void {
  metrics.gauge({
    name: 'gateway_in_flight',
    help: 'Requests under way or waiting for a connection.',
    labelNames: ['upstream'],
    collect() {
      for (const upstream of upstreams) this.set({ upstream: upstream.name }, upstream.inFlight);
    },
  });
}

function redisComponent(redis: ReturnType<typeof createRedisBuckets>): Component {
  return {
    name: 'rate limit buckets',
    async start() {
      redis.start();
    },
    async stop() {
      redis.stop();
    },
  };
}

function upstreamsComponent(upstreams: readonly Upstream[]): Component {
  return {
    name: 'upstream connections',
    start: () => Promise.resolve(),
    async stop() {
      await Promise.all(upstreams.map((upstream) => upstream.close()));
    },
  };
}
