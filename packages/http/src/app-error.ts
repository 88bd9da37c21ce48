import { ERROR_STATUS, type ErrorCode } from '@punctual/contracts';

/** One problem of the input: `field` is a path such as `items[0].quantity`. */
export type FieldProblem = { field: string; message: string };

export type AppErrorOptions = {
  code: ErrorCode;
  /** HTTP status; the code's own when absent. */
  status?: number;
  /** Shown to the client as it is, so it must not carry internals. */
  message: string;
  /** JSON shown to the client: field problems for validation, an object for a conflict. */
  details?: unknown;
  /** Whether the same request may succeed later without a change. */
  retryable?: boolean;
  /** Extra response headers, lower-case names. */
  headers?: Readonly<Record<string, string>>;
  cause?: unknown;
};

/** An expected failure that already knows its HTTP answer. Everything else that is thrown becomes a silent 500. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly details: unknown;
  readonly retryable: boolean;
  readonly headers: Readonly<Record<string, string>> | undefined;

  constructor(options: AppErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = options.code;
    this.status = options.status ?? ERROR_STATUS[options.code];
    this.details = options.details;
    this.retryable = options.retryable ?? false;
    this.headers = options.headers;
  }
}

/** 400 VALIDATION_FAILED, naming every field that is wrong. */
export function validationFailed(details: readonly FieldProblem[], message = 'The request is not valid.'): AppError {
  return new AppError({ code: 'VALIDATION_FAILED', message, details });
}

/** 401 UNAUTHENTICATED. Pass `invalidToken` when a token came and was refused, so that the challenge says so. */
export function unauthenticated(
  message = 'A valid access token is required.',
  options: { invalidToken?: boolean; code?: 'UNAUTHENTICATED' | 'INVALID_CREDENTIALS' } = {},
): AppError {
  const challenge = options.invalidToken ? 'Bearer realm="punctual", error="invalid_token"' : 'Bearer realm="punctual"';
  return new AppError({
    code: options.code ?? 'UNAUTHENTICATED',
    message,
    headers: { 'www-authenticate': challenge },
  });
}

/** 403; `code` is FORBIDDEN unless the caller has a more telling one such as EMAIL_NOT_VERIFIED. */
export function forbidden(
  message = 'You may not do this.',
  code: 'FORBIDDEN' | 'EMAIL_NOT_VERIFIED' = 'FORBIDDEN',
  details?: unknown,
): AppError {
  return new AppError({ code, message, details });
}

/** 404 NOT_FOUND; `what` is a singular noun such as `order`. Also the answer for what belongs to somebody else. */
export function notFound(what: string, id?: number | string): AppError {
  const message = id === undefined ? `There is no such ${what}.` : `There is no ${what} ${id}.`;
  return new AppError({
    code: 'NOT_FOUND',

    message,
    ...(id === undefined ? {} : { details: { resource: what, id } }),
  });
}

/** 405 METHOD_NOT_ALLOWED with the methods that are. */
export function methodNotAllowed(allowedMethods: readonly string[]): AppError {
  const allow = allowedMethods.join(', ');
  return new AppError({
    code: 'METHOD_NOT_ALLOWED',

    message: `This address answers ${allow} only.`,
    details: { allow: allowedMethods },
    headers: { allow },
  });
}

/** 409 with the caller's code: OUT_OF_STOCK, ILLEGAL_TRANSITION, VERSION_CONFLICT, … */
export function conflict(code: ErrorCode, message: string, details?: unknown): AppError {
  const retryable = code === 'REQUEST_IN_PROGRESS' || code === 'STOCK_PENDING';
  return new AppError({ code, status: 409, message, details, retryable });
}

/** 413 PAYLOAD_TOO_LARGE. `closeConnection` when the rest of the body will not be read. */
export function payloadTooLarge(limitBytes: number, options: { closeConnection?: boolean } = {}): AppError {
  return new AppError({
    code: 'PAYLOAD_TOO_LARGE',

    message: `The body may have at most ${limitBytes} bytes.`,
    details: { limit_bytes: limitBytes },
    ...(options.closeConnection ? { headers: { connection: 'close' } } : {}),
  });
}

/** 415 UNSUPPORTED_MEDIA_TYPE. */
export function unsupportedMediaType(message = 'Send the body as application/json in UTF-8.'): AppError {
  return new AppError({
    code: 'UNSUPPORTED_MEDIA_TYPE',

    message,
    headers: { accept: 'application/json', 'accept-encoding': 'identity' },
  });
}

/** 422 with the caller's code, such as REQUEST_ID_REUSED. */
export function unprocessable(code: ErrorCode, message: string, details?: unknown): AppError {
  return new AppError({ code, status: 422, message, details });
}

/** 428 PRECONDITION_REQUIRED: the request lacks the If-Match that makes it safe. */
export function preconditionRequired(message: string): AppError {
  return new AppError({ code: 'PRECONDITION_REQUIRED', message });
}

/** 429 RATE_LIMITED. */
export function rateLimited(retryAfterSeconds: number, message = 'Too many requests.', details?: unknown): AppError {
  return new AppError({
    code: 'RATE_LIMITED',

    message,
    details,
    retryable: true,
    headers: { 'retry-after': String(Math.max(1, Math.ceil(retryAfterSeconds))) },
  });
}

/** 504 TIMEOUT: a dependency was asked and gave no answer; what was asked of it may have been done. */
export function timedOut(dependency: string, cause?: unknown): AppError {
  return new AppError({
    code: 'TIMEOUT',
    message: 'There was no answer in time. Whether it was done is not known.',
    details: { dependency },
    retryable: true,
    cause,
  });
}

/** 503 UNAVAILABLE: a dependency that this request needs is away; nothing was accepted. */
export function unavailable(dependency: string, retryAfterSeconds = 1, cause?: unknown): AppError {
  return new AppError({
    code: 'UNAVAILABLE',

    message: 'The service cannot answer this at the moment. Try again shortly.',
    details: { dependency },
    retryable: true,
    headers: { 'retry-after': String(Math.max(1, Math.ceil(retryAfterSeconds))) },
    cause,
  });
}
