import type { Response } from 'express';

/** What is known of one request while it runs; written along the way, read once when it ends. */
export type RequestState = {
  requestId: string;
  correlationId: string;
  traceparent: string;
  startedAtMs: number;
  /** The template, never the concrete path: it becomes a metric label. */
  route: string;
  /** Health checks and scrapes are too frequent for the info level. */
  quiet: boolean;
  userId: number | undefined;
};

const stateKey: unique symbol = Symbol('request state');

type Tracked = { [stateKey]?: RequestState };

export function setRequestState(res: Response & Tracked, state: RequestState): void {
  res[stateKey] = state;
}

export function requestState(res: Response & Tracked): RequestState | undefined {
  return res[stateKey];
}
