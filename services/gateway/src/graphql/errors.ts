import { ERROR_STATUS, type ErrorCode } from '@punctual/contracts';
import { AppError, toAppError } from '@punctual/http';
import { currentContext, type Logger } from '@punctual/telemetry';
import { GraphQLError } from 'graphql';
import { ClientGoneError } from '../proxy/request-body.ts';

/**
 * Every error of the graph, as clients see it: `extensions.code` is the API's code, with what HTTP says beside it. `http` is for
 * graphql-yoga and is not shown.
 */
export type ErrorExtensions = {
  code: ErrorCode;
  details: unknown;
  request_id: string;
  /** Only when true: the same operation may succeed later. */
  retryable?: true;
  retry_after_seconds?: number;
  /** The service that is away. */
  dependency?: string;
  http?: { status: number; headers?: Record<string, string> };
};

/** What graphql-yoga says when a request is not even a document; all else that is wrong with one is VALIDATION_FAILED. */
const CODES_OF_STATUS: Readonly<Record<number, ErrorCode>> = {
  405: 'METHOD_NOT_ALLOWED',
  413: 'PAYLOAD_TOO_LARGE',
  415: 'UNSUPPORTED_MEDIA_TYPE',
};
const BAD_REQUEST = 400;
/** With which graphql-js tells the schema to whoever guesses at it. */
const SUGGESTION = /\s?Did you mean [^?]*\?/g;

/** A refusal of the document itself, before anything is executed. */
export function refusedDocument(message: string, details: unknown): GraphQLError {
  return new GraphQLError(message, {
    extensions: { code: 'VALIDATION_FAILED', details, http: { status: BAD_REQUEST } },
  });
}

/** Gives every error its code, and hides what is nobody's business. */
export function createErrorMask(logger: Logger) {
  return function maskError(error: unknown): GraphQLError {
    const located = error instanceof GraphQLError ? error : undefined;
    if (located !== undefined && isOfGraphql(located)) return coded(located);
    const thrown = located?.originalError ?? error;
    const known = toAppError(thrown);
    // A client that has left ends what was under way for it, as it may.
    if (known === undefined && !(thrown instanceof ClientGoneError)) {
      logger.error('a field failed', { request_id: requestId(), path: located?.path?.join('.'), error: thrown });
    }
    return withExtensions(located, known ?? internal(thrown));
  };
}

/** The error as the graph shows it, without a place in a document. */
export function graphqlErrorOf(error: AppError): GraphQLError {
  return withExtensions(undefined, error);
}

function internal(cause: unknown): AppError {
  return new AppError({ code: 'INTERNAL', message: 'Something went wrong on our side.', cause });
}

function withExtensions(located: GraphQLError | undefined, error: AppError): GraphQLError {
  const extensions: ErrorExtensions = {
    code: error.code,
    details: error.details ?? null,
    request_id: requestId(),
    ...hintsOf(error),
    http: { status: error.status, headers: { ...error.headers } },
  };
  const place = located === undefined ? {} : placeOf(located);
  return new GraphQLError(error.message, { ...place, extensions: { ...extensions } });
}

function placeOf({ nodes, source, positions, path }: GraphQLError) {
  return { nodes: nodes ?? null, source: source ?? null, positions: positions ?? null, path: path ?? null };
}

function hintsOf(error: AppError): Partial<ErrorExtensions> {
  const retryAfterSeconds = Number(error.headers?.['retry-after'] ?? Number.NaN);
  const dependency = dependencyOf(error);
  return {
    ...(error.retryable ? { retryable: true as const } : {}),
    ...(Number.isFinite(retryAfterSeconds) ? { retry_after_seconds: retryAfterSeconds } : {}),
    ...(dependency === undefined ? {} : { dependency }),
  };
}

function dependencyOf({ details }: AppError): string | undefined {
  if (typeof details !== 'object' || details === null || !('dependency' in details)) return undefined;
  return typeof details.dependency === 'string' ? details.dependency : undefined;
}

/** Said by graphql-js, graphql-yoga or our limits about the document or its variables, in words fit for the client. */
function isOfGraphql(error: GraphQLError): boolean {
  return error.originalError === undefined || error.originalError instanceof GraphQLError;
}

function coded(error: GraphQLError): GraphQLError {
  const { code, http, details } = error.extensions;
  const status = statusOf(http) ?? BAD_REQUEST;
  error.message = error.message.replace(SUGGESTION, '');
  const isOurs = typeof code === 'string' && Object.hasOwn(ERROR_STATUS, code);
  Object.assign(error.extensions, {
    code: isOurs ? code : (CODES_OF_STATUS[status] ?? 'VALIDATION_FAILED'),
    details: details ?? null,
    request_id: requestId(),
    // Without yoga's `spec`, which would answer 200 to a client that accepts application/json.
    http: { ...(typeof http === 'object' ? http : {}), status, spec: undefined },
  });
  return error;
}

function statusOf(http: unknown): number | undefined {
  if (typeof http !== 'object' || http === null || !('status' in http)) return undefined;
  return typeof http.status === 'number' ? http.status : undefined;
}

function requestId(): string {
  return currentContext()?.requestId ?? '';
}
