import type { Logger, Metrics } from '@punctual/telemetry';
import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import { type AppError, methodNotAllowed, notFound } from './app-error.ts';
import { internalError, malformedPath, sendError, toAppError } from './error-response.ts';
import { createHealth, type DependencyStates, type ReadinessCheck } from './health.ts';
import { parseQueryLeniently } from './query.ts';
import { nameRoute, observeRequests } from './request-context.ts';
import { requestState } from './request-state.ts';
import { sendText } from './respond.ts';
import type { MountedRoute } from './route.ts';
import { createRouteTable } from './route-table.ts';
import type { ServiceDocs } from './service-docs.ts';
import type { Verifier } from './verifier.ts';

export type HttpAppOptions = {
  /** Names the service in /health. */
  service: string;
  version?: string;
  logger: Logger;
  metrics: Metrics;
  /** Needed as soon as one route is not public. */
  verifier?: Verifier;
  routes: readonly MountedRoute[];
  readiness: readonly ReadinessCheck[];
  /** The breakers of what the service calls, by dependency. Shown by /health/ready; none of them makes it unready. */
  dependencies?: () => DependencyStates;
  /** The longest body of a request, default 1,000,000. */
  bodyLimitBytes?: number;
  /** Served at /openapi.json, and the .proto files under /docs. */
  docs?: ServiceDocs;
  /** Gives a service's own errors their HTTP answer; undefined leaves them to the rules here. */
  mapError?: (error: unknown) => AppError | undefined;
  /** Adds what no contract describes, such as a proxy or pages, behind the checks and before the 404. */
  extend?: (app: Express) => void;
};

const defaultBodyLimitBytes = 1_000_000;
const encodedSeparator = /%(?:2f|5c)/i;

/** An Express app with the platform's routes, the given ones, and one place where errors become answers. */
export function createHttpApp(options: HttpAppOptions): Express {
  const { logger, metrics } = options;
  const app = express();
  app.disable('x-powered-by');
  app.disable('etag');
  app.enable('case sensitive routing');
  app.set('trust proxy', false);
  app.set('query parser', parseQueryLeniently);

  const table = createRouteTable(options.routes);
  const platform = createPlatformRoutes(app, options);

  app.use(observeRequests({ logger, metrics }));
  app.use(refuseOddAddresses);
  for (const route of table.routes) {
    const serve = route.mounted.mount({
      verifier: options.verifier,
      bodyLimitBytes: options.bodyLimitBytes ?? defaultBodyLimitBytes,
    });
    const { method, path } = route.mounted.contract;
    const guards = route.notFor.size === 0 ? [] : [unlessFixed(route.notFor)];
    app[method](route.path, ...guards, nameRoute(path), serve);
  }
  for (const [path, serve] of platform) app.get(path, nameRoute(path, true), serve);

  options.extend?.(app);

  app.use(function fallThrough(req: Request, res: Response) {
    const methods = platform.has(req.path) ? ['GET', 'HEAD', 'OPTIONS'] : table.methodsOf(req.path);
    if (methods.length === 0) throw notFound('resource');
    if (req.method !== 'OPTIONS') throw methodNotAllowed(methods);
    res.setHeader('allow', methods.join(', '));
    res.statusCode = 204;
    res.end();
  });

  // Express tells an error handler by its four parameters.
  app.use(function answerError(thrown: unknown, req: Request, res: Response, _next: NextFunction) {
    const error = options.mapError?.(thrown) ?? toAppError(thrown) ?? internalError(thrown);
    if (error.status >= 500) {
      const level = error.code === 'INTERNAL' ? 'error' : 'warn';
      logger[level]('request failed', {
        method: req.method,
        route: requestState(res)?.route,
        code: error.code,
        error: error.cause ?? error,
      });
    }
    if (res.headersSent) {
      // Half an answer is out; only a broken connection tells the client that it is not whole.
      res.destroy();
      return;
    }
    sendError(res, req.headers.accept, error, requestState(res)?.requestId ?? '');
  });
  return app;
}

type Serve = (req: Request, res: Response) => void | Promise<void>;

function createPlatformRoutes(app: Express, options: HttpAppOptions): Map<string, Serve> {
  const health = createHealth(app, {
    service: options.service,
    version: options.version ?? '0.0.0',
    checks: options.readiness,
    dependencies: options.dependencies ?? (() => ({})),
    logger: options.logger,
  });
  const { registry } = options.metrics;
  const routes = new Map<string, Serve>([
    ['/health/live', health.live],
    ['/health/ready', health.ready],
    ['/health', health.summary],
    ['/metrics', async (_req, res) => sendText(res, 200, await registry.metrics(), registry.contentType)],
  ]);
  if (options.docs !== undefined) {
    const { openapi, protos } = options.docs;
    const text = JSON.stringify(openapi);
    routes.set('/openapi.json', (_req, res) => sendText(res, 200, text, 'application/json; charset=utf-8'));
    for (const [name, proto] of Object.entries(protos)) {
      routes.set(`/docs/${name}`, (_req, res) => sendText(res, 200, proto, 'text/plain; charset=utf-8'));
    }
  }
  return routes;
}

/** Passes over the route for addresses that are another route's own, whatever their method. */
function unlessFixed(paths: ReadonlySet<string>) {
  return function passOver(req: Request, _res: Response, next: NextFunction): void {
    const { path } = req;
    next(paths.has(path.endsWith('/') ? path.slice(0, -1) : path) ? 'route' : undefined);
  };
}

/** Absolute and protocol-relative targets, and separators hidden in a segment, mean one thing here and another behind a proxy. */
function refuseOddAddresses(req: Request, _res: Response, next: NextFunction): void {
  const { url } = req;
  if (req.headers.host === undefined && req.httpVersion === '1.1') throw malformedPath();
  if (url.charCodeAt(0) !== 0x2f || url.charCodeAt(1) === 0x2f) throw malformedPath();
  const percent = url.indexOf('%');
  if (percent !== -1) {
    const queryStart = url.indexOf('?');
    const path = queryStart === -1 ? url : url.slice(0, queryStart);
    if (encodedSeparator.test(path)) throw malformedPath();
  }
  next();
}
