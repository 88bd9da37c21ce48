import { z } from 'zod';

/** Every error code that crosses the edge, with its HTTP status. A code never changes its meaning. */
export const ERROR_STATUS = {
  VALIDATION_FAILED: 400,
  INVALID_CODE: 400,
  UNAUTHENTICATED: 401,
  INVALID_CREDENTIALS: 401,
  EMAIL_NOT_VERIFIED: 403,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  REQUEST_IN_PROGRESS: 409,
  OUT_OF_STOCK: 409,
  PRICE_CHANGED: 409,
  STOCK_PENDING: 409,
  PAYMENT_EXISTS: 409,
  PAYMENT_FAILED: 409,
  ILLEGAL_TRANSITION: 409,
  VERSION_CONFLICT: 409,
  PAYLOAD_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  REQUEST_ID_REUSED: 422,
  PRECONDITION_REQUIRED: 428,
  RATE_LIMITED: 429,
  TOO_MANY_OPEN_ORDERS: 429,
  INTERNAL: 500,
  UNAVAILABLE: 503,
  TIMEOUT: 504,
} as const;

export type ErrorCode = keyof typeof ERROR_STATUS;

/**
 * The gRPC status of every code, by its name. As with HTTP several codes share a status; the code itself travels beside it, so
 * that none is lost on the way. A status that asks for a retry is given only to what a retry can help.
 */
export const ERROR_GRPC_STATUS = {
  VALIDATION_FAILED: 'INVALID_ARGUMENT',
  INVALID_CODE: 'INVALID_ARGUMENT',
  UNAUTHENTICATED: 'UNAUTHENTICATED',
  INVALID_CREDENTIALS: 'UNAUTHENTICATED',
  EMAIL_NOT_VERIFIED: 'PERMISSION_DENIED',
  FORBIDDEN: 'PERMISSION_DENIED',
  NOT_FOUND: 'NOT_FOUND',
  METHOD_NOT_ALLOWED: 'UNIMPLEMENTED',
  REQUEST_IN_PROGRESS: 'ABORTED',
  OUT_OF_STOCK: 'FAILED_PRECONDITION',
  PRICE_CHANGED: 'FAILED_PRECONDITION',
  STOCK_PENDING: 'ABORTED',
  PAYMENT_EXISTS: 'ALREADY_EXISTS',
  PAYMENT_FAILED: 'FAILED_PRECONDITION',
  ILLEGAL_TRANSITION: 'FAILED_PRECONDITION',
  VERSION_CONFLICT: 'ABORTED',
  PAYLOAD_TOO_LARGE: 'OUT_OF_RANGE',
  UNSUPPORTED_MEDIA_TYPE: 'INVALID_ARGUMENT',
  REQUEST_ID_REUSED: 'ALREADY_EXISTS',
  PRECONDITION_REQUIRED: 'FAILED_PRECONDITION',
  RATE_LIMITED: 'RESOURCE_EXHAUSTED',
  TOO_MANY_OPEN_ORDERS: 'RESOURCE_EXHAUSTED',
  INTERNAL: 'INTERNAL',
  UNAVAILABLE: 'UNAVAILABLE',
  TIMEOUT: 'DEADLINE_EXCEEDED',
} as const satisfies Record<ErrorCode, string>;

export type ErrorGrpcStatus = (typeof ERROR_GRPC_STATUS)[ErrorCode];

/** Whether a text that came from elsewhere is a code of the API. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(ERROR_STATUS, code);
}

export const errorBody = z.object({
  error: z.object({
    code: z.enum(Object.keys(ERROR_STATUS) as [ErrorCode, ...ErrorCode[]]),
    message: z.string(),
    details: z.unknown(),
    request_id: z.string(),
  }),
});
export type ErrorBody = z.infer<typeof errorBody>;
