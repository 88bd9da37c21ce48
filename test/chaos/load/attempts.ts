import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../random.ts';

/** One answer of the gateway. `data` is undefined for an error. */
export type Reply = {
  readonly status: number;
  readonly code: string | null;
  readonly data: unknown;
  readonly details: unknown;
  readonly totalItems: number | null;
};

export type RequestOptions = { readonly token?: string | undefined; readonly body?: unknown };

const ATTEMPT_TIMEOUT_MS = 12_000;
const FIRST_WAIT_MS = 200;
const LONGEST_WAIT_MS = 3_000;

export type Gateway = {
  /** Null when there was no answer: refused, reset, timed out, or cut off in its middle. */
  request(method: string, path: string, options?: RequestOptions): Promise<Reply | null>;
  /** Attempts so far, and those of them without an answer. */
  attempts(): { readonly sent: number; readonly timedOut: number; readonly cutOff: number };
};

export function createGateway(url: string): Gateway {
  const count = { sent: 0, timedOut: 0, cutOff: 0 };
  return {
    attempts: () => ({ ...count }),
    async request(method, path, { token, body } = {}) {
      count.sent += 1;
      let status: number;
      let text: string;
      try {
        const response = await fetch(`${url}${path}`, {
          method,
          signal: AbortSignal.timeout(ATTEMPT_TIMEOUT_MS),
          headers: {
            ...(body === undefined ? {} : { 'content-type': 'application/json' }),
            ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
          },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        status = response.status;
        text = await response.text();
      } catch (error) {
        if (!(error instanceof Error)) throw error;
        if (error.name === 'TimeoutError') count.timedOut += 1;
        else count.cutOff += 1;
        return null;
      }
      return readReply(status, text);
    },
  };
}

/** An answer that is no JSON comes from a proxy on the way: its status counts, its text tells nothing. */
export function readReply(status: number, text: string): Reply {
  let body: { data?: unknown; error?: { code?: string; details?: unknown }; paging?: { total_items?: number } } = {};
  if (/^\s*\{/.test(text)) {
    try {
      body = JSON.parse(text);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
  }
  return {
    status,
    code: body.error?.code ?? null,
    data: body.data,
    details: body.error?.details,
    totalItems: body.paging?.total_items ?? null,
  };
}

/**
 * Whether an answer leaves open what happened, so that the same request is sent again: none at all, a failure of the server
 * or of what is before it, a twin still at work, too many requests, a token that is no longer good.
 */
export function leavesOpen(reply: Reply | null): boolean {
  if (reply === null || reply.status >= 500 || reply.status === 401 || reply.status === 408) return true;
  return reply.code === 'REQUEST_IN_PROGRESS' || reply.code === 'RATE_LIMITED';
}

export type Patience = {
  /** False once nobody waits for outcomes any more. */
  mayRetry(): boolean;
  readonly random: Random;
  /** Between two attempts, at most. */
  readonly longestWaitMs?: number;
  /** Between two attempts, at least: the more customers are waiting, the longer each does, or their attempts alone keep the shop down. */
  readonly crowdWaitMs?: (() => number) | undefined;
};

export type Settled<T> = { readonly attempts: number; readonly result: T | null; readonly last: Reply | null };

/**
 * Tries until the outcome is known. `attempt` returns a result, or the reply that left it open. Between attempts it waits
 * longer each time, with jitter, as clients should, and longer still when many others wait.
 */
export async function untilKnown<T extends object>(
  patience: Patience,
  attempt: (number: number) => Promise<{ result: T; reply: Reply } | { open: Reply | null }>,
): Promise<Settled<T>> {
  const longestMs = patience.longestWaitMs ?? LONGEST_WAIT_MS;
  let waitMs = FIRST_WAIT_MS;
  for (let number = 1; ; number += 1) {
    const outcome = await attempt(number);
    if ('result' in outcome) return { attempts: number, result: outcome.result, last: outcome.reply };
    if (!patience.mayRetry()) return { attempts: number, result: null, last: outcome.open };
    const atMostMs = Math.max(waitMs, patience.crowdWaitMs?.() ?? 0);
    await delay(atMostMs / 2 + (patience.random.fraction() * atMostMs) / 2);
    waitMs = Math.min(longestMs, waitMs * 2);
    if (!patience.mayRetry()) return { attempts: number, result: null, last: outcome.open };
  }
}
