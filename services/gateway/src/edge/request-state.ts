import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { newTraceparent } from '@punctual/telemetry';
import { clientAddress } from './client-address.ts';
import { parseRequestTarget, type RequestTarget } from './request-target.ts';

/** What is known of one request while it runs; written along the way, read once when it ends. */
export type RequestState = {
  readonly requestId: string;
  readonly correlationId: string;
  readonly traceparent: string;
  readonly clientAddress: string;
  readonly startedAtMs: number;
  /** Undefined when the target was refused. */
  readonly target: RequestTarget | undefined;
  /** The upstream's name, `gateway` for what is answered here, `none` for what belongs nowhere. */
  upstream: string;
  userId: number | undefined;
  /** Health checks and scrapes are too frequent for the info level. */
  isQuiet: boolean;
};

const ID = /^[A-Za-z0-9._-]{8,128}$/;
const stateKey: unique symbol = Symbol('request state');

type Tracked = { [stateKey]?: RequestState };

export function beginRequest(req: IncomingMessage, res: ServerResponse & Tracked, trustedHops: number): RequestState {
  const requestId = acceptId(req.headers['x-request-id']) ?? randomUUID();
  const parent = req.headers.traceparent;
  const state: RequestState = {
    requestId,
    correlationId: acceptId(req.headers['x-correlation-id']) ?? requestId,
    traceparent: newTraceparent(typeof parent === 'string' ? parent : undefined),
    clientAddress: clientAddress(req, trustedHops),
    startedAtMs: performance.now(),
    target: parseRequestTarget(req.url ?? ''),
    upstream: 'none',
    userId: undefined,
    isQuiet: false,
  };
  res[stateKey] = state;
  return state;
}

/** The state of a request that `beginRequest` has seen, which is every request. */
export function requestState(res: ServerResponse & Tracked): RequestState {
  const state = res[stateKey];
  if (state === undefined) throw new Error('the request was not begun');
  return state;
}

/** Ids come from outside and end up in logs and headers, so only plain ones are taken. */
function acceptId(value: string | string[] | undefined): string | undefined {
  return typeof value === 'string' && ID.test(value) ? value : undefined;
}
