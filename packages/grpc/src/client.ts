import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import type { Resolver } from '@punctual/coordination';
import { AppError, unavailable } from '@punctual/http';
import { type CallOutcome, DependencyUnavailable, type Policy } from '@punctual/resilience';
import { currentContext, type Logger, type Metrics, newTraceparent } from '@punctual/telemetry';
import { Status, type TsProtoServiceDefinition } from 'nice-grpc';
import './library-log.ts';
import type { CallerOptions } from './caller-options.ts';
import { channelOptions } from './channel-options.ts';
import { decodeError, errorWithoutWord } from './error-detail.ts';
import { currentCall } from './incoming-call.ts';
import {
  AUTHORIZATION,
  CLIENT_ADDRESS,
  CORRELATION_ID,
  ERROR_DETAIL,
  REQUEST_ID,
  SERVICE_TOKEN,
  TRACEPARENT,
} from './metadata-keys.ts';
import { SERVICE_SCHEME } from './service-resolver.ts';
import { createServiceTokens } from './service-tokens.ts';

export type GrpcClientOptions<Definition extends TsProtoServiceDefinition> = {
  readonly definition: Definition;
  /** The service that is called, as the resolver knows it: `product`. */
  readonly service: string;
  /** The service that calls. */
  readonly from: string;
  readonly resolver: Resolver;
  /** Guards every call. Leave its `retries` at 0: the client repeats what may be repeated. */
  readonly policy: Policy;
  /** SERVICE_KEY, as the servers have it. */
  readonly serviceKey: string;
  /** Of one call with all its attempts, from its turn on, for which it waits no longer than that; default 1,000. */
  readonly timeoutMs?: number;
  readonly logger: Logger;
  readonly metrics: Metrics;
};

/** One function for each method of the service. */
export type GrpcCalls<Definition extends TsProtoServiceDefinition> = {
  readonly [Name in keyof Definition['methods']]: (
    request: RequestOf<Definition['methods'][Name]>,
    options?: CallerOptions,
  ) => Promise<ResponseOf<Definition['methods'][Name]>>;
};

export type GrpcClient<Definition extends TsProtoServiceDefinition> = {
  /**
   * Throws the AppError that the server threw; UNAVAILABLE when nothing was done, or TIMEOUT when that is not known, since there was no
   * answer; INTERNAL when one of the two libraries refuses the call; DependencyUnavailable when the policy let nothing through, or its own
   * time was over.
   */
  readonly calls: GrpcCalls<Definition>;
  /** For a component's start: begins to connect, so that the first call need not wait for it. */
  connect(): void;
  close(): void;
};

type Sending = {
  readonly metadata: Metadata;
  /** Milliseconds since the epoch. */
  readonly deadline: number;
  /** The deadline is the client's own, and not that of the call that this one is made for. */
  readonly isOwnTime: boolean;
  readonly ends: readonly AbortSignal[];
};

type Terms = { readonly isOwnTime: boolean; readonly isRepeatable: boolean };

type Method = TsProtoServiceDefinition['methods'][string];
type RequestOf<M extends Method> = M['requestType']['fromPartial'] extends
  | ((object: infer Partial) => unknown)
  | undefined
  ? Partial
  : never;
type ResponseOf<M extends Method> = ReturnType<M['responseType']['decode']>;

const DEFAULT_TIMEOUT_MS = 1_000;
const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const NO_ANSWER: ReadonlySet<string> = new Set(['UNAVAILABLE', 'TIMEOUT']);
const NOT_SENT = /No connection established|no address of /;
const READS_ONLY = 'NO_SIDE_EFFECTS';

/** What a call came to that the service said nothing of; the policy judges it, and whoever called gets the error. */
class NoWord extends Error {
  override readonly name = 'NoWord';
  readonly outcome: CallOutcome;
  readonly error: AppError;

  constructor(error: AppError, outcome: CallOutcome) {
    super(error.message, { cause: error });
    this.error = error;
    this.outcome = outcome;
  }
}

/** For the policy of a client: all that the service said is an answer, and only its silence says that it is in trouble. */
export function judgeCall(error: unknown): CallOutcome {
  if (error instanceof NoWord) return error.outcome;
  return error instanceof AppError ? 'answered' : 'failed';
}

/** For whoever can do without the service: whether a call got no answer. */
export function isUnanswered(error: unknown): boolean {
  return error instanceof DependencyUnavailable || (error instanceof AppError && NO_ANSWER.has(error.code));
}

/**
 * Calls another service. Straight on gRPC's library rather than through nice-grpc's client, which sends no deadline: here the server
 * knows how long its answer is waited for.
 */
export function createGrpcClient<const Definition extends TsProtoServiceDefinition>(
  options: GrpcClientOptions<Definition>,
): GrpcClient<Definition> {
  const { definition, service, from, policy, timeoutMs: ownTimeoutMs = DEFAULT_TIMEOUT_MS } = options;
  const client = new Client(
    `${SERVICE_SCHEME}:${service}`,
    credentials.createInsecure(),
    channelOptions(definition, options.resolver),
  );
  const tokens = createServiceTokens(options.serviceKey);
  const durations = options.metrics.histogram({
    name: 'grpc_client_handled_seconds',
    help: 'How long a call of another service took, with all its attempts',
    labelNames: ['dependency', 'method', 'code'],
    buckets: DURATION_BUCKETS,
  });

  function callOf(method: Method) {
    const path = `/${definition.fullName}/${method.name}`;
    const { encode, fromPartial = (value: unknown) => value } = method.requestType;
    const serialize = (request: unknown) => Buffer.from(encode(fromPartial(request)).finish());
    const deserialize = (bytes: Buffer): unknown => method.responseType.decode(bytes);

    const { idempotencyLevel } = method.options;
    const readsOnly = idempotencyLevel === READS_ONLY;

    return async function call(request: unknown, callerOptions: CallerOptions = {}): Promise<unknown> {
      const { timeoutMs = ownTimeoutMs } = callerOptions;
      const incoming = currentCall();
      const waitedForUntilMs = incoming?.deadlineAtMs ?? Number.POSITIVE_INFINITY;
      const turnUntilMs = Math.min(Date.now() + timeoutMs, waitedForUntilMs);
      const left = [callerOptions.signal, readsOnly ? incoming?.signal : undefined].filter((one) => one !== undefined);
      const metadata = metadataOf(callerOptions, await tokens.sign(from));
      try {
        return await policy.execute((overdue) => {
          const nowMs = Date.now();
          // Nobody waits for it any more: it has waited too long for its turn, and that is no fault of the service.
          if (nowMs >= turnUntilMs || left.some(({ aborted }) => aborted)) {
            throw new NoWord(unavailable(service), 'unknown');
          }
          const isOwnTime = nowMs + timeoutMs <= waitedForUntilMs;
          const deadline = isOwnTime ? nowMs + timeoutMs : waitedForUntilMs;
          return send(request, { metadata, deadline, isOwnTime, ends: [overdue, ...left] });
        });
      } catch (error) {
        throw error instanceof NoWord ? error.error : error;
      }
    };

    async function send(request: unknown, { metadata, deadline, isOwnTime, ends }: Sending): Promise<unknown> {
      const observe = durations.startTimer({ dependency: service, method: method.name });
      const { promise, resolve, reject } = Promise.withResolvers<unknown>();
      const sent = client.makeUnaryRequest(
        path,
        serialize,
        deserialize,
        request,
        metadata,
        { deadline },
        (error, response) => {
          observe({ code: Status[error?.code ?? Status.OK] ?? 'UNKNOWN' });
          if (error === null) resolve(response);
          else reject(errorOf(error, { isOwnTime, isRepeatable: idempotencyLevel !== undefined }));
        },
      );
      const cancel = () => sent.cancel();
      for (const end of ends) end.addEventListener('abort', cancel, { once: true });
      try {
        return await promise;
      } finally {
        for (const end of ends) end.removeEventListener('abort', cancel);
      }
    }
  }

  function errorOf(error: ServiceError, { isOwnTime, isRepeatable }: Terms): AppError | NoWord {
    const [detail] = error.metadata.get(ERROR_DETAIL);
    const said = detail instanceof Uint8Array ? decodeError(detail) : undefined;
    if (said !== undefined) return said;
    const known = errorWithoutWord(service, { status: error.code, isUndone: isRepeatable || wasNotSent(error), error });
    if (!NO_ANSWER.has(known.code)) return known;
    // A call that was cut short tells nothing of how long it would have taken.
    const isCutShort = error.code === Status.CANCELLED || (error.code === Status.DEADLINE_EXCEEDED && !isOwnTime);
    return new NoWord(known, isCutShort ? 'unknown' : 'failed');
  }

  const calls = Object.fromEntries(
    Object.entries(definition.methods).map(([name, method]) => [name, callOf(method)]),
  ) as GrpcCalls<Definition>;

  return {
    calls,
    connect() {
      client.getChannel().getConnectivityState(true);
    },
    close: () => client.close(),
  };
}

/** The library tells it in words alone; in others, and a call would be taken for one that may have been done. */
function wasNotSent({ details }: ServiceError): boolean {
  return NOT_SENT.test(details);
}

function metadataOf({ authorization, clientAddress }: CallerOptions, serviceToken: string): Metadata {
  const metadata = new Metadata();
  const context = currentContext();
  metadata.set(SERVICE_TOKEN, serviceToken);
  metadata.set(TRACEPARENT, newTraceparent(context?.traceparent));
  if (context?.requestId !== undefined) metadata.set(REQUEST_ID, context.requestId);
  if (context?.correlationId !== undefined) metadata.set(CORRELATION_ID, context.correlationId);
  if (authorization !== undefined) metadata.set(AUTHORIZATION, authorization);
  if (clientAddress !== undefined) metadata.set(CLIENT_ADDRESS, clientAddress);
  return metadata;
}
