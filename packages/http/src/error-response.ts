import { type ServerResponse, STATUS_CODES } from 'node:http';
import { ERROR_STATUS, type ErrorBody, type ErrorCode } from '@punctual/contracts';
import { AppError, timedOut, unavailable, validationFailed } from './app-error.ts';
import { sendJson, sendText } from './respond.ts';

/**
 * What Postgres says when it is away, full, starting, stopping or read-only, or when others were in the way for too long: the request may
 * succeed later.
 */
const unavailableSqlState = /^(08[0-9A-Z]{3}|53[0-9A-Z]{3}|57P0[1-5]|57014|25006|40001|40P01|55P03)$/;
const defaultRetryAfterSeconds = 1;
const unavailableCodes: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
]);

/**
 * Gives every thrown value its HTTP answer. Errors of others are told by their shape, so that commands and stores need
 * not know HTTP: an error whose `code` is one of the API's is what it says, with its `message` and `details`;
 * `retryable: true` or the code of a lost connection is 503, to be tried again after its `retryAfterSeconds`, or 504 when
 * its `reason` is `timeout` or a commit was lost. Whatever else is undefined, for the caller to hide behind a 500.
 */
export function toAppError(error: unknown): AppError | undefined {
  if (error instanceof AppError) return error;
  // The router decodes path parameters and throws this for `%E0`.
  if (error instanceof URIError) return malformedPath();
  if (typeof error !== 'object' || error === null) return undefined;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if ('commitUnknown' in error && error.commitUnknown === true) return timedOut('database', error);
  if (unavailableSqlState.test(code) || ('name' in error && error.name === 'KnexTimeoutError')) {
    return unavailable('database', defaultRetryAfterSeconds, error);
  }
  if (isRefusalCode(code) && error instanceof Error) {
    const details = 'details' in error ? error.details : undefined;
    return new AppError({ code, message: error.message, details, cause: error });
  }
  const isRetryable = ('retryable' in error && error.retryable === true) || unavailableCodes.has(code);
  if (!isRetryable) return undefined;
  const dependency = 'dependency' in error && typeof error.dependency === 'string' ? error.dependency : 'backend';
  if ('reason' in error && error.reason === 'timeout') return timedOut(dependency, error);
  return unavailable(dependency, retryAfterSecondsOf(error), error);
}

function retryAfterSecondsOf(error: object): number {
  if ('retryAfterSeconds' in error && typeof error.retryAfterSeconds === 'number') return error.retryAfterSeconds;
  return defaultRetryAfterSeconds;
}

/** Only refusals are told by their code: what is 500 and above is never for the thrower to word. */
function isRefusalCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_STATUS, code) && ERROR_STATUS[code as ErrorCode] < 500;
}

/** 400 for a path that no client of ours can have meant. */
export function malformedPath(): AppError {
  return validationFailed([{ field: 'path', message: 'is not a valid path' }], 'The address cannot be read.');
}

/** The one error shape. */
export function errorBody(error: AppError, requestId: string): ErrorBody {
  return {
    error: { code: error.code, message: error.message, details: error.details ?? null, request_id: requestId },
  };
}

/** What stands in for an error that must not be shown. */
export function internalError(cause: unknown): AppError {
  return new AppError({ code: 'INTERNAL', message: 'Something went wrong on our side.', cause });
}

/** Writes an error in the shape that the client asked for: JSON, or RFC 9457 with the same `error` inside. */
export function sendError(res: ServerResponse, accept: string | undefined, error: AppError, requestId: string): void {
  for (const [name, value] of Object.entries(error.headers ?? {})) res.setHeader(name, value);
  const body = errorBody(error, requestId);
  if (accept === undefined || !accept.includes('application/problem+json')) {
    sendJson(res, error.status, body);
    return;
  }
  const problem = {
    type: 'about:blank',
    title: STATUS_CODES[error.status] ?? 'Error',
    status: error.status,
    detail: error.message,
    ...body,
  };
  sendText(res, error.status, JSON.stringify(problem), 'application/problem+json; charset=utf-8');
}
