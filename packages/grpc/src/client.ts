import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import type { Resolver } from '@punctual/coordination';
import { AppError } from '@punctual/http';
import { DependencyUnavailable, type Policy } from '@punctual/resilience';
import { currentContext, type Logger, type Metrics, newTraceparent } from '@punctual/telemetry';
import { Status, type TsProtoServiceDefinition } from 'nice-grpc';
import './library-log.ts';
import type { CallerOptions } from './caller-options.ts';
import { channelOptions } from './channel-options.ts';
import { decodeError, transportError } from './error-detail.ts';
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
  /** Of one call with all its attempts, default 1,000. */
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
   * Throws the AppError that the server threw; UNAVAILABLE or TIMEOUT when there was no answer; DependencyUnavailable when the policy
   * let nothing through.
   */
  readonly calls: GrpcCalls<Definition>;
  /** For a component's start: begins to connect, so that the first call need not wait for it. */
  connect(): void;
  close(): void;
};

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

/** For the policy of a client: refusals are answers, and only their absence says that the service is in trouble. */
export function isCallFailure(error: unknown): boolean {
  if (error instanceof AppError) return NO_ANSWER.has(error.code);
  return true;
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

    return async function call(request: unknown, callerOptions: CallerOptions = {}): Promise<unknown> {
      const { timeoutMs = ownTimeoutMs } = callerOptions;
      const deadlineAtMs = Math.min(Date.now() + timeoutMs, currentCall()?.deadlineAtMs ?? Number.POSITIVE_INFINITY);
      const metadata = metadataOf(callerOptions, await tokens.sign(from));
      return await policy.execute(async (signal) => {
        const observe = durations.startTimer({ dependency: service, method: method.name });
        const { promise, resolve, reject } = Promise.withResolvers<unknown>();
        const sent = client.makeUnaryRequest(
          path,
          serialize,
          deserialize,
          request,
          metadata,
          { deadline: deadlineAtMs },
          (error, response) => {
            observe({ code: Status[error?.code ?? Status.OK] ?? 'UNKNOWN' });
            if (error === null) resolve(response);
            else reject(errorOf(error));
          },
        );
        const cancel = () => sent.cancel();
        signal.addEventListener('abort', cancel, { once: true });
        try {
          return await promise;
        } finally {
          signal.removeEventListener('abort', cancel);
        }
      });
    };
  }

  function errorOf(error: ServiceError): AppError {
    const [detail] = error.metadata.get(ERROR_DETAIL);
    return (
      (detail instanceof Uint8Array ? decodeError(detail) : undefined) ?? transportError(service, error.code, error)
    );
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
