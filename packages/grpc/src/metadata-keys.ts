/** What travels beside a message. Request id, correlation id and trace have the names that they have in HTTP. */
export const AUTHORIZATION = 'authorization';
export const SERVICE_TOKEN = 'service-token';
export const CLIENT_ADDRESS = 'client-address';
export const REQUEST_ID = 'x-request-id';
export const CORRELATION_ID = 'x-correlation-id';
export const TRACEPARENT = 'traceparent';
export const RETRY_AFTER = 'retry-after';
/** Trailer, gRPC's own: whether and when to try again. */
export const RETRY_PUSHBACK = 'grpc-retry-pushback-ms';
/** Trailer: the whole error, a message ErrorDetail. */
export const ERROR_DETAIL = 'punctual-error-bin';
