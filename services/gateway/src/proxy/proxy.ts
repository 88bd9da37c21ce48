import { type Identity, unavailable } from '@punctual/http';
import type { Ticket } from '@punctual/resilience';
import type { Logger, Metrics } from '@punctual/telemetry';
import type { Request, RequestHandler, Response } from 'express';
import type { Admission } from '../edge/admission.ts';
import { answerError } from '../edge/answer-errors.ts';
import { type RequestState, requestState } from '../edge/request-state.ts';
import type { Mount, RequestTarget } from '../edge/request-target.ts';
import type { RouteTable } from '../edge/route-table.ts';
import type { BucketPolicy } from '../rate-limit/token-bucket.ts';
import { Exchange } from './exchange.ts';
import { ClientGoneError, type RequestBody, readRequestBody } from './request-body.ts';
import { requestHeaders } from './request-headers.ts';
import type { Upstream } from './upstream.ts';

const BUSY_RETRY_AFTER_SECONDS = 1;

/** Where requests under some prefixes go, and how many of one client. */
export type Destination = { upstream: Upstream; policy: () => BucketPolicy };

export type ProxyOptions = {
  table: RouteTable<Destination>;
  admission: Admission;
  authorize: (method: string, segments: readonly string[], identity: Identity | undefined) => void;
  /** Without a trailing slash. */
  publicUrl: string;
  bodyLimitBytes: number;
  logger: Logger;
  metrics: Metrics;
};

/**
 * Passes a request on to the service that owns its path. In order: who is it, may it still (rate limit), may it at all (contract),
 * its body, is there room (admission), the exchange. Paths that nobody owns go to the next handler.
 */
export function createProxy(options: ProxyOptions): RequestHandler {
  const { table, admission, authorize, logger, bodyLimitBytes } = options;
  const meters = createMeters(options.metrics);
  const publicAddress = new URL(options.publicUrl);
  const base: Record<Mount, string> = { '': options.publicUrl, '/api/v1': `${options.publicUrl}/api/v1` };

  function pass(req: Request, res: Response, upstream: Upstream, body: RequestBody, ticket: Ticket): void {
    const state = requestState(res);
    const target = targetOf(state);
    const publicBase = base[target.mount];
    const headers = requestHeaders(req.headers, {
      clientAddress: state.clientAddress,
      publicProtocol: publicAddress.protocol.slice(0, -1),
      publicHost: publicAddress.host,
      publicBase,
      requestId: state.requestId,
      correlationId: state.correlationId,
      traceparent: state.traceparent,
    });
    const exchange = new Exchange({
      upstream,
      res,
      method: req.method,
      path: target.path + target.query,
      headers,
      body,
      rewriteLocation: (location, origin) => publicLocation(location, origin, publicBase),
      onFailure: (error) => answerError(req, res, error),
      onOutcome: (outcome) => upstream.breaker.settle(ticket, outcome),
      onUpstreamError: (kind, error) => {
        meters.upstreamErrors.inc({ upstream: upstream.name, kind });
        logger.warn('upstream failed', { request_id: state.requestId, upstream: upstream.name, kind, error });
      },
    });
    const uploads = body.kind === 'stream' ? 1 : 0;
    upstream.inFlight += 1;
    upstream.uploads += uploads;
    res.once('close', () => {
      upstream.inFlight -= 1;
      upstream.uploads -= uploads;
      exchange.cancel();
    });
    exchange.start();
  }

  return async function proxy(req, res, next) {
    const state = requestState(res);
    const destination = table.find(targetOf(state).segments);
    if (destination === undefined) {
      next();
      return;
    }
    const { upstream } = destination;
    state.upstream = upstream.name;
    const identity = await admission.admit(req, res, { service: upstream.name, policy: destination.policy() });
    authorize(req.method, targetOf(state).segments, identity);
    const body = await readRequestBody(req, bodyLimitBytes);
    // From here on nothing is awaited: a response that closed before would never close again.
    if (res.destroyed) throw new ClientGoneError();
    const isUploadTooMany = body.kind === 'stream' && upstream.uploads >= upstream.maxUploads;
    if (isUploadTooMany || upstream.inFlight >= upstream.maxInFlight) {
      meters.shed.inc({ upstream: upstream.name });
      if (body.kind === 'stream') body.stream.destroy();
      throw unavailable(upstream.name, BUSY_RETRY_AFTER_SECONDS);
    }
    const ticket = upstream.breaker.admit();
    if (ticket === undefined) {
      meters.shed.inc({ upstream: upstream.name });
      if (body.kind === 'stream') body.stream.destroy();
      throw unavailable(upstream.name, Math.max(BUSY_RETRY_AFTER_SECONDS, upstream.breaker.retryAfterSeconds()));
    }
    pass(req, res, upstream, body, ticket);
  };
}

function targetOf(state: RequestState): RequestTarget {
  if (state.target === undefined) throw new Error('a request without a readable target came past its refusal');
  return state.target;
}

/** A service knows its own address only; clients must be sent to the public one. */
function publicLocation(location: string, origin: string, publicBase: string): string {
  if (location.startsWith(`${origin}/`)) return publicBase + location.slice(origin.length);
  return location.startsWith('/') && !location.startsWith('//') ? publicBase + location : location;
}

function createMeters(metrics: Metrics) {
  return {
    upstreamErrors: metrics.counter({
      name: 'gateway_upstream_errors_total',
      help: 'Attempts to reach a service that failed, by what went wrong.',
      labelNames: ['upstream', 'kind'],
    }),
    shed: metrics.counter({
      name: 'gateway_shed_total',
      help: 'Requests refused because too many were under way.',
      labelNames: ['upstream'],
    }),
  };
}
