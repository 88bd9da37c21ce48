import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Logger, Metrics } from '@punctual/telemetry';
import type { RequestHandler } from 'express';
import { beginRequest, type RequestState } from './request-state.ts';

/** Request durations in seconds, from a cached answer to the request timeout. */
const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
/** What is recorded when the client left before the answer. */
const CLIENT_CLOSED_REQUEST = 499;
const METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** The first middleware: gives a request its ids, and writes one log line and one duration when it is over. */
export function observeRequests(options: { logger: Logger; metrics: Metrics; trustedHops: number }): RequestHandler {
  const { logger, trustedHops } = options;
  const durations = options.metrics.histogram({
    name: 'http_request_duration_seconds',
    help: 'How long a request took, from its headers to the end of the response.',
    labelNames: ['method', 'upstream', 'status'],
    buckets: DURATION_BUCKETS,
  });
  // Looking a series up by its labels hashes them each time; there are only as many as upstreams and statuses.
  const series = new Map<string, { observe(seconds: number): void }>();

  function finish(req: IncomingMessage, res: ServerResponse, state: RequestState): void {
    const durationMs = performance.now() - state.startedAtMs;
    const status = res.writableFinished ? res.statusCode : CLIENT_CLOSED_REQUEST;
    const method = METHODS.has(req.method ?? '') ? (req.method ?? '') : 'OTHER';
    const key = `${method} ${status} ${state.upstream}`;
    let one = series.get(key);
    if (one === undefined) {
      one = durations.labels(method, state.upstream, String(status));
      series.set(key, one);
    }
    one.observe(durationMs / 1_000);
    logger[state.isQuiet ? 'debug' : 'info']('request', {
      request_id: state.requestId,
      correlation_id: state.correlationId,
      trace_id: state.traceparent.slice(3, 35),
      method: req.method,
      // The query stays out: it may hold what a person typed.
      path: state.target === undefined ? undefined : `${state.target.mount}${state.target.path}`,
      upstream: state.upstream,
      status,
      duration_ms: Math.round(durationMs * 10) / 10,
      client: state.clientAddress,
      user_id: state.userId,
    });
  }

  return function observe(req, res, next) {
    const state = beginRequest(req, res, trustedHops);
    res.setHeader('x-request-id', state.requestId);
    res.setHeader('x-correlation-id', state.correlationId);
    res.once('close', () => finish(req, res, state));
    next();
  };
}
