import { randomUUID } from 'node:crypto';
import { type Logger, type Metrics, newTraceparent, runWithContext } from '@punctual/telemetry';
import type { NextFunction, Request, Response } from 'express';
import { type RequestState, requestState, setRequestState } from './request-state.ts';
import { defaultCacheControl } from './respond.ts';

const idPattern = /^[A-Za-z0-9._-]{8,128}$/;
/** Request durations in seconds, from a cached answer to the request timeout. */
const durationBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const clientClosedRequest = 499;

/**
 * The first middleware: gives a request its ids and trace, runs all that follows inside that context, and writes one
 * log line and one duration when the response is done or the client has gone.
 */
export function observeRequests(options: { logger: Logger; metrics: Metrics }) {
  const { logger } = options;
  const durations = options.metrics.histogram({
    name: 'http_request_duration_seconds',
    help: 'How long a request took, from its headers to the end of the response.',
    labelNames: ['method', 'route', 'status'],
    buckets: durationBuckets,
  });
  // Looking a series up by its labels hashes them each time; there are only as many as routes and statuses.
  const series = new Map<string, { observe(seconds: number): void }>();

  return function observe(req: Request, res: Response, next: NextFunction): void {
    const context = incomingContext((name) => req.headers[name]);
    const { requestId, correlationId } = context;
    const state: RequestState = {
      ...context,
      startedAtMs: performance.now(),
      route: 'unmatched',
      quiet: false,
      userId: undefined,
    };
    setRequestState(res, state);
    res.setHeader('x-request-id', requestId);
    res.setHeader('x-correlation-id', correlationId);
    res.setHeader('x-content-type-options', 'nosniff');
    res.setHeader('cache-control', defaultCacheControl);
    res.once('close', finishInContext);
    runWithContext(context, next);
  };

  // One function for all requests, since a closure for each would be garbage on the hot path.
  function finishInContext(this: Response): void {
    const state = requestState(this);
    if (state !== undefined) runWithContext(state, () => finish(this.req, this, state));
  }

  function finish(req: Request, res: Response, state: RequestState): void {
    const durationMs = performance.now() - state.startedAtMs;
    const status = res.writableFinished ? res.statusCode : clientClosedRequest;
    const key = `${req.method} ${status} ${state.route}`;
    let one = series.get(key);
    if (one === undefined) {
      one = durations.labels(knownMethod(req.method), state.route, String(status));
      series.set(key, one);
    }
    one.observe(durationMs / 1000);
    const fields = {
      method: req.method,
      route: state.route,
      status,
      duration_ms: Math.round(durationMs * 10) / 10,
      ...(state.userId === undefined ? {} : { user_id: state.userId }),
    };
    if (state.quiet) logger.debug('request', fields);
    else logger.info('request', fields);
  }
}

type IncomingContext = { requestId: string; correlationId: string; traceparent: string };

/** The ids and the trace of a request or a call, from what its headers say. */
export function incomingContext(header: (name: string) => string | string[] | undefined): IncomingContext {
  const requestId = acceptId(header('x-request-id')) ?? randomUUID();
  const correlationId = acceptId(header('x-correlation-id')) ?? requestId;
  const parent = header('traceparent');
  return { requestId, correlationId, traceparent: newTraceparent(typeof parent === 'string' ? parent : undefined) };
}

/** Names the route of a request for its log line and metrics. */
export function nameRoute(route: string, quiet = false) {
  return function named(_req: Request, res: Response, next: NextFunction): void {
    const state = requestState(res);
    if (state !== undefined) {
      state.route = route;
      state.quiet = quiet;
    }
    next();
  };
}

/** Ids come from outside, end up in logs and headers, and are taken only when they are plain. */
function acceptId(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' && idPattern.test(value) ? value : undefined;
}

const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Node's parser knows some thirty methods; a label has room for ours. */
function knownMethod(method: string): string {
  return methods.has(method) ? method : 'OTHER';
}
