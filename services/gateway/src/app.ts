import { apiRoutes } from '@punctual/contracts';
import { type Coordination, createCoordination, RATE_LIMIT, rateLimitOf } from '@punctual/coordination';
import { createVerifier, httpServer } from '@punctual/http';
import { type Component, lifecycle } from '@punctual/lifecycle';
import { createBreaker, createPolicies } from '@punctual/resilience';
import { createLogger, createMetrics, type Logger, type Metrics } from '@punctual/telemetry';
import express, { type Express } from 'express';
import packageJson from '../package.json' with { type: 'json' };
import { adminRouter } from './admin/admin-routes.ts';
import type { GatewayConfig } from './config.ts';
import { createAdmission } from './edge/admission.ts';
import { answerThrown, answerUnknown, refuseAmbiguity } from './edge/answer-errors.ts';
import { createAuthorizer } from './edge/authorize.ts';
import { crossOrigin } from './edge/cross-origin.ts';
import { observeRequests } from './edge/observe-requests.ts';
import { requestState } from './edge/request-state.ts';
import { MOUNTS } from './edge/request-target.ts';
import { createRouteTable, PLATFORM_SEGMENTS, type UpstreamRoute } from './edge/route-table.ts';
import { API_SECURITY, securityHeaders } from './edge/security-headers.ts';
import { createGraphql } from './graphql/graphql.ts';
import { readGeneratedDocs } from './platform/generated-docs.ts';
import { createHealth } from './platform/health.ts';
import { publicOpenApi } from './platform/openapi.ts';
import { platformRoutes } from './platform/platform-routes.ts';
import { createProxy, type Destination } from './proxy/proxy.ts';
import { createUpstream, type Upstream } from './proxy/upstream.ts';
import { createLimiter } from './rate-limit/limiter.ts';
import { createRedisBuckets } from './rate-limit/redis-buckets.ts';
import type { BucketPolicy } from './rate-limit/token-bucket.ts';

const SERVICE = 'gateway';

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
  const logger = dependencies.logger ?? createLogger({ service: SERVICE, level: config.LOG_LEVEL });
  const metrics = dependencies.metrics ?? createMetrics(SERVICE);
  const publicUrl = config.PUBLIC_URL.replace(/\/+$/, '');
  let isStopping = false;

  const policies = createPolicies(config, { logger, metrics });
  const redis = createRedisBuckets({
    nodes: config.REDIS_NODES,
    commandTimeoutMs: config.REDIS_TIMEOUT,
    policies,
    logger,
  });
  const coordination = createCoordination(config, { service: SERVICE, version: packageJson.version, logger, metrics });
  const destinations = createDestinations(config, { coordination, logger, metrics });
  const upstreams = destinations.map(({ value }) => value.upstream);
  observeInFlight(metrics, upstreams);
  const health = createHealth({
    version: packageJson.version,
    upstreams,
    isRedisReady: redis.isReady,
    dependencies: policies.states,
    isStopping: () => isStopping,
    logger,
  });
  const verifier = createVerifier({
    jwksUrl: config.JWKS_URL,
    issuer: config.JWT_ISSUER,
    audience: config.JWT_AUDIENCE,
    logger,
  });
  const admission = createAdmission({ verifier, limiter: createLimiter({ redis, logger, metrics }), metrics });
  const graphql = createGraphql({
    config,
    admission,
    policy: policyOf({ name: 'graphql' }, config, coordination.settings),
    resolver: coordination.resolver,
    policies,
    logger,
    metrics,
  });
  const app = createEdge({
    config,
    logger,
    metrics,
    platform: platformRoutes({
      health,
      metrics,
      openapi: publicOpenApi(publicUrl),
      docs: readGeneratedDocs(),
      graphql: graphql.router,
      publicUrl,
      admin: adminRouter({ desk: coordination.desk, verifier }),
    }),
    proxy: createProxy({
      table: createRouteTable(destinations),
      admission,
      authorize: createAuthorizer(apiRoutes),
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
  const parts = [
    coordination,
    redisComponent(redis),
    upstreamsComponent(upstreams),
    graphql.connections,
    server,
    graphql.subscriptions,
    coordination.registration({ http: () => server.port }),
  ];
  for (const component of parts) components.add(component);
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

function createDestinations(
  config: GatewayConfig,
  { coordination, logger, metrics }: { coordination: Coordination; logger: Logger; metrics: Metrics },
): { prefixes: readonly string[]; value: Destination }[] {
  return config.GATEWAY_ROUTES.map((route) => ({
    prefixes: route.prefixes,
    value: {
      upstream: createUpstream({
        name: route.name,
        resolver: coordination.resolver,
        breaker: createBreaker(`${route.name}-http`, { config, logger, metrics }),
        timeoutMs: route.timeoutMs ?? config.UPSTREAM_TIMEOUT,
        connectTimeoutMs: config.UPSTREAM_CONNECT_TIMEOUT,
        connections: config.UPSTREAM_CONNECTIONS,
        maxInFlight: config.MAX_IN_FLIGHT,
      }),
      policy: policyOf(route, config, coordination.settings),
    },
  }));
}

/** What was said of the service wins over what was said of all, and a setting over the configuration. */
function policyOf(
  route: Pick<UpstreamRoute, 'name' | 'rateLimit'>,
  config: GatewayConfig,
  settings: Coordination['settings'],
): () => BucketPolicy {
  const usual = { perSecond: config.RATE_LIMIT_PER_SECOND, burst: config.RATE_LIMIT_BURST };
  const own = config.RATE_LIMIT_SERVICES[route.name] ?? route.rateLimit;
  const ownSetting = rateLimitOf(route.name);
  const followedOwn = ownSetting === undefined ? undefined : settings.follow(ownSetting);
  const followedAll = settings.follow(RATE_LIMIT);
  return () => followedOwn?.current ?? own ?? followedAll.current ?? usual;
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
