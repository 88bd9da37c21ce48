import { ERROR_GRPC_STATUS, isErrorCode } from '@punctual/contracts';
import { ErrorDetail } from '@punctual/contracts/grpc/common';
import { AppError, internalError, timedOut, unauthenticated, unavailable } from '@punctual/http';
import { Status } from 'nice-grpc';

/** Details that are longer stay behind: trailers have a limit, and an error beyond it would not arrive at all. */
const MAX_DETAILS_BYTES = 6_000;
const RETRY_AFTER_HEADER = 'retry-after';
const UNAUTHENTICATED_STATUS = 401;

export function grpcStatusOf(error: AppError): Status {
  return Status[ERROR_GRPC_STATUS[error.code]];
}

/** Seconds that an error asks its caller to wait; 0 when it asks for nothing. */
export function retryAfterSecondsOf(error: AppError): number {
  const seconds = Number(error.headers?.[RETRY_AFTER_HEADER] ?? 0);
  return Number.isSafeInteger(seconds) && seconds > 0 ? seconds : 0;
}

/** The whole error, for the trailer. */
export function encodeError(error: AppError): Uint8Array {
  return ErrorDetail.encode({
    code: error.code,
    message: error.message,
    detailsJson: detailsJsonOf(error.details),
    retryable: error.retryable,
    retryAfterSeconds: retryAfterSecondsOf(error),
  }).finish();
}

/** The error as it was thrown where it happened; undefined when the bytes are none of ours. */
export function decodeError(bytes: Uint8Array): AppError | undefined {
  try {
    const { code, message, detailsJson, retryable, retryAfterSeconds } = ErrorDetail.decode(bytes);
    if (!isErrorCode(code)) return undefined;
    const error = new AppError({
      code,
      message,
      retryable,
      ...(detailsJson === '' ? {} : { details: JSON.parse(detailsJson) as unknown }),
    });
    return withHeaders(error, retryAfterSeconds);
  } catch {
    // A server of another kind, or of another time; the status alone has to do.
    return undefined;
  }
}

/** What gRPC's library says of a message or a method; asked again, it would say the same. */
const REFUSED_BY_LIBRARY: ReadonlySet<Status> = new Set([
  Status.INVALID_ARGUMENT,
  Status.RESOURCE_EXHAUSTED,
  Status.UNIMPLEMENTED,
]);

/**
 * A call that ended without a word of the service: the connection, the library or the deadline ended it. `isUndone`: it was not sent, or
 * may be made again.
 */
export function errorWithoutWord(
  service: string,
  { status, isUndone, error }: { status: Status; isUndone: boolean; error: unknown },
): AppError {
  if (REFUSED_BY_LIBRARY.has(status)) return internalError(error);
  return status !== Status.DEADLINE_EXCEEDED && isUndone
    ? unavailable(service, undefined, error)
    : timedOut(service, error);
}

function detailsJsonOf(details: unknown): string {
  const json = details === undefined || details === null ? '' : (JSON.stringify(details) ?? '');
  return Buffer.byteLength(json) > MAX_DETAILS_BYTES ? '' : json;
}

/** The headers that HTTP shows beside such an error, should it become an HTTP answer after all. */
function withHeaders(error: AppError, retryAfterSeconds: number): AppError {
  const headers = {
    ...(error.status === UNAUTHENTICATED_STATUS ? unauthenticated('', { invalidToken: true }).headers : {}),
    ...(retryAfterSeconds > 0 ? { [RETRY_AFTER_HEADER]: String(retryAfterSeconds) } : {}),
  };
  if (Object.keys(headers).length === 0) return error;
  const { code, message, details, retryable } = error;
  return new AppError({ code, message, details, retryable, headers });
}
