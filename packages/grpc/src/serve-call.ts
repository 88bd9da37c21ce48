import {
  type AppError,
  incomingContext,
  internalError,
  toAppError,
  unsafeText,
  type Verifier,
  validationFailed,
} from '@punctual/http';
import { type Logger, type Metrics, runWithContext } from '@punctual/telemetry';
import { type CallContext, ServerError, type ServerMiddleware, Status } from 'nice-grpc';
import { type CallExtra, readCaller } from './caller.ts';
import { encodeError, grpcStatusOf, retryAfterSecondsOf } from './error-detail.ts';
import { runInCall } from './incoming-call.ts';
import { deadlineAtMsOf } from './incoming-deadline.ts';
import { ERROR_DETAIL, RETRY_AFTER, RETRY_PUSHBACK } from './metadata-keys.ts';
import type { ServiceTokens } from './service-tokens.ts';
import { UnreadableMessage } from './wire-definition.ts';

export type ServeCallOptions = {
  readonly verifier: Verifier;
  readonly serviceTokens: ServiceTokens;
  readonly mapError?: ((error: unknown) => AppError | undefined) | undefined;
  readonly logger: Logger;
  readonly metrics: Metrics;
};

const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const SERVER_ERRORS_FROM = 500;
/** Any negative number, by gRFC A6. */
const NEVER = '-1';

type CallState = { status: Status; userId: number | undefined; service: string | undefined };

/**
 * What surrounds every unary call: its ids and trace, who makes it, a check of its texts, one log line, one duration, and the one
 * place where what was thrown becomes a gRPC status and an ErrorDetail.
 */
export function serveCall(options: ServeCallOptions): ServerMiddleware<CallExtra> {
  const { logger } = options;
  const durations = options.metrics.histogram({
    name: 'grpc_server_handled_seconds',
    help: 'How long a call took, from its message to its answer',
    labelNames: ['method', 'code'],
    buckets: DURATION_BUCKETS,
  });

  return async function* serve(call, context) {
    if (call.requestStream || call.responseStream) throw new ServerError(Status.UNIMPLEMENTED, 'no streams here');
    const { request, next } = call;
    const method = call.method.path.slice(1);
    const state: CallState = { status: Status.OK, userId: undefined, service: undefined };
    const startedAtMs = performance.now();

    async function answer() {
      try {
        const caller = await readCaller(context, {
          ...options,
          onIdentity: ({ userId }) => {
            state.userId = userId;
          },
        });
        state.service = caller.service;
        refuseUnreadable(request);
        const result = await next(request, { ...context, caller }).next();
        if (result.done !== true) throw new TypeError(`${method} yielded where it should return`);
        return result.value;
      } catch (error) {
        throw failed(error, context, state, method);
      } finally {
        finish(state, method, startedAtMs);
      }
    }

    const carried = incomingContext((name) => textOf(context, name));
    const deadlineAtMs = deadlineAtMsOf(context.metadata);
    return await runWithContext(carried, () => runInCall({ deadlineAtMs, signal: context.signal }, answer));
  };

  function failed(thrown: unknown, context: CallContext, state: CallState, method: string): ServerError {
    if (context.signal.aborted) {
      // The caller has gone, or waits no longer: nobody reads the answer.
      state.status = Status.CANCELLED;
      return new ServerError(Status.CANCELLED, 'The call was cancelled.');
    }
    const error = options.mapError?.(thrown) ?? toAppError(thrown) ?? internalError(thrown);
    state.status = grpcStatusOf(error);
    if (error.status >= SERVER_ERRORS_FROM) {
      const level = error.code === 'INTERNAL' ? 'error' : 'warn';
      logger[level]('call failed', { method, code: error.code, error: error.cause ?? error });
    }
    context.trailer.set(ERROR_DETAIL, encodeError(error));
    const retryAfterSeconds = retryAfterSecondsOf(error);
    if (retryAfterSeconds > 0) context.trailer.set(RETRY_AFTER, String(retryAfterSeconds));
    // What we say is an answer: only what nobody has said anything of is for the caller's library to repeat.
    context.trailer.set(RETRY_PUSHBACK, NEVER);
    return new ServerError(state.status, error.message);
  }

  function finish(state: CallState, method: string, startedAtMs: number): void {
    const durationMs = performance.now() - startedAtMs;
    const code = Status[state.status];
    durations.observe({ method, code }, durationMs / 1_000);
    logger.info('call', {
      method,
      code,
      duration_ms: Math.round(durationMs * 10) / 10,
      ...(state.userId === undefined ? {} : { user_id: state.userId }),
      ...(state.service === undefined ? {} : { caller: state.service }),
    });
  }
}

function textOf(context: CallContext, name: string): string | undefined {
  const value = context.metadata.get(name);
  return typeof value === 'string' ? value : undefined;
}

function refuseUnreadable(request: unknown): void {
  if (request instanceof UnreadableMessage) {
    const problem = { field: 'message', message: 'is not what the method takes, or has an integer beyond 2^53' };
    throw validationFailed([problem], 'The message cannot be read.');
  }
  const problems = unsafeText(request, '');
  if (problems.length === 0) return;
  throw validationFailed(problems.map(({ field, message }) => ({ field: protoName(field), message })));
}

/** `shippingAddress` → `shipping_address`, as the .proto file says it. */
function protoName(field: string): string {
  return field.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
