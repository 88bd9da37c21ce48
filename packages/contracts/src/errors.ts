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

export const errorBody = z.object({
  error: z.object({
    code: z.enum(Object.keys(ERROR_STATUS) as [ErrorCode, ...ErrorCode[]]),
    message: z.string(),
    details: z.unknown(),
    request_id: z.string(),
  }),
});
export type ErrorBody = z.infer<typeof errorBody>;
