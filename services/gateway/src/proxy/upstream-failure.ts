import { AppError, timedOut, unavailable } from '@punctual/http';
import { errors } from 'undici';

/** What went wrong between here and a service, for metrics and for the decision to try again. */
export type FailureKind = 'timeout' | 'refused' | 'reset' | 'bad_answer' | 'other';

const RETRY_AFTER_SECONDS = 1;
/** The first and at most two more, however many instances there are. */
const MAX_ATTEMPTS = 3;
const REFUSED: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'UND_ERR_CONNECT_TIMEOUT',
]);
const RESET: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET']);
const TIMED_OUT: ReadonlySet<string> = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT', 'ETIMEDOUT']);

/** Why the proxy itself gave a request up. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
  readonly code = 'UND_ERR_HEADERS_TIMEOUT';
}

/** Discovery has never heard of an instance. */
export class NoInstanceError extends Error {
  override readonly name = 'NoInstanceError';
  readonly code = 'ENOTFOUND';
}

export function failureKind(error: Error): FailureKind {
  const code = codeOf(error);
  if (REFUSED.has(code)) return 'refused';
  if (RESET.has(code)) return 'reset';
  if (TIMED_OUT.has(code)) return 'timeout';
  // By its class, since undici does not always give it a code.
  return error instanceof errors.HTTPParserError ? 'bad_answer' : 'other';
}

export type Attempt = {
  method: string;
  /** The body is still at hand. */
  isReplayable: boolean;
  /** 1 for the first. */
  attempt: number;
  /** Instances that were not tried yet. */
  untried: number;
};

/**
 * Whether to send a request again: only when the body is still at hand and no answer has begun, and then when the connection was
 * refused (it was never sent), at each other instance in turn, or when the method changes nothing and the connection broke, once.
 * With a single instance that one is asked once more.
 */
export function mayRetry({ method, isReplayable, attempt, untried }: Attempt, error: Error): boolean {
  if (!isReplayable || attempt >= MAX_ATTEMPTS) return false;
  const kind = failureKind(error);
  // Nobody was reached within the time for a connection: the same address would cost that time again.
  if (kind === 'refused') return untried > 0 || (attempt === 1 && codeOf(error) === 'ECONNREFUSED');
  return isSafe(method) && kind === 'reset' && attempt === 1;
}

/** Whether a failure says that the service is in trouble; anything that it answered does not. */
export function isOutage(error: Error): boolean {
  const kind = failureKind(error);
  return kind === 'refused' || kind === 'reset' || kind === 'timeout';
}

/**
 * The answer for the client: 504 when what was asked may have been done, which is when time ran out, a connection broke or the answer
 * could not be read; else 503.
 */
export function failureAnswer(upstream: string, method: string, error: Error): AppError {
  if (error instanceof AppError) return error;
  const kind = failureKind(error);
  return kind === 'timeout' || ((kind === 'reset' || kind === 'bad_answer') && !isSafe(method))
    ? timedOut(upstream, error)
    : unavailable(upstream, RETRY_AFTER_SECONDS, error);
}

/**
 * What stands in for a 5xx that is not in our error shape: a balancer's page, a crash's text. Undefined when the answer may pass.
 */
export function replacementAnswer(
  upstream: string,
  status: number,
  contentType: string | undefined,
): AppError | undefined {
  if (status < 500 || isJson(contentType)) return undefined;
  if (status === 504) return timedOut(upstream);
  if (status === 502 || status === 503) return unavailable(upstream, RETRY_AFTER_SECONDS);
  return new AppError({ code: 'INTERNAL', message: 'Something went wrong on our side.' });
}

/** It changes nothing, so it can be asked again. */
function isSafe(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}

function isJson(contentType: string | undefined): boolean {
  return contentType !== undefined && /^application\/(?:[a-z.-]+\+)?json\b/i.test(contentType);
}
