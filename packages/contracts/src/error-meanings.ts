import type { ErrorCode } from './errors.ts';

/** What each code tells a client, for the documents. */
export const ERROR_MEANINGS = {
  VALIDATION_FAILED:
    'Something in path, query, headers or body is not as described; `details` lists each field, at most 20.',
  INVALID_CODE: 'The code is wrong, too old, used, or not the newest.',
  UNAUTHENTICATED: 'There is no token where one is needed, or it is not valid (any more).',
  INVALID_CREDENTIALS: 'The address or the password is wrong.',
  EMAIL_NOT_VERIFIED: 'The address has not been proved with the code from the mail.',
  FORBIDDEN: 'The caller is known and may not do this.',
  NOT_FOUND: 'It does not exist, or belongs to somebody else.',
  METHOD_NOT_ALLOWED: 'The address answers other methods; `Allow` names them.',
  REQUEST_IN_PROGRESS: 'The same request_id is being worked on; ask again shortly.',
  OUT_OF_STOCK: 'Fewer pieces are left than are asked for.',
  PRICE_CHANGED: 'A unit_price that the customer saw is no longer the price; `details` has both.',
  STOCK_PENDING: "The order's stock is not reserved yet; try again shortly.",
  PAYMENT_EXISTS: 'The order has a payment under way or done.',
  PAYMENT_FAILED: 'The provider took no money; `details` says why.',
  ILLEGAL_TRANSITION: 'From its present state this cannot be done; `details` names the state.',
  VERSION_CONFLICT: 'It has changed since the version in If-Match; read it again.',
  PAYLOAD_TOO_LARGE: 'The body is longer than is taken; `details.limit_bytes` says how long it may be.',
  UNSUPPORTED_MEDIA_TYPE: 'The body is not application/json in UTF-8 without a content encoding.',
  REQUEST_ID_REUSED: 'The request_id was used for a request with another content.',
  PRECONDITION_REQUIRED: 'If-Match with the ETag is missing.',
  RATE_LIMITED: 'Too many requests; Retry-After says when to come back.',
  TOO_MANY_OPEN_ORDERS: 'The customer has as many unpaid orders as are allowed.',
  INTERNAL: 'A mistake on our side, of which the answer tells nothing; `request_id` finds it in the log.',
  UNAVAILABLE:
    'Something that is needed is away or busy, and nothing was done, or what was decided is done later by itself; Retry-After says when to come back.',
  TIMEOUT: 'There was no answer; whether it was done is not known.',
} as const satisfies Record<ErrorCode, string>;
