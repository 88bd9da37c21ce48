import assert from 'node:assert/strict';
import { ERROR_GRPC_STATUS, type ErrorCode, type ErrorGrpcStatus } from '@punctual/contracts';
import { createStaticResolver } from '@punctual/coordination';
import { createGrpcClient, type GrpcClient } from '@punctual/grpc';
import { AppError } from '@punctual/http';
import { createPolicies } from '@punctual/resilience';
import { createMetrics, silentLogger } from '@punctual/telemetry';
import { TEST_SERVICE_KEY } from './test-tokens.ts';

const SERVICE = 'tested';
/** Nobody is asked over HTTP. */
const NOWHERE = '127.0.0.1:9';
const TIMEOUT_MS = 15_000;
const CONCURRENCY = 1_000;
/** Never opens, since no error counts as a failure. */
const BREAKER = { CIRCUIT_BREAKER_MAX_REQUESTS: 1, CIRCUIT_BREAKER_INTERVAL: 60_000, CIRCUIT_BREAKER_TIMEOUT: 60_000 };

type ServiceDefinition = Parameters<typeof createGrpcClient>[0]['definition'];

export type TestGrpcClientOptions<Definition extends ServiceDefinition> = {
  readonly definition: Definition;
  /** `host:port` of the server. */
  readonly address: string;
  /** TEST_SERVICE_KEY when absent; with one that the server has not, the calls are a stranger's. */
  readonly serviceKey?: string;
};

/** Calls a gRPC server as the service `gateway` does. Close it in `after`. */
export function testGrpcClient<const Definition extends ServiceDefinition>({
  definition,
  address,
  serviceKey = TEST_SERVICE_KEY,
}: TestGrpcClientOptions<Definition>): GrpcClient<Definition> {
  const logger = silentLogger();
  const metrics = createMetrics('test');
  const policies = createPolicies(BREAKER, { logger, metrics });
  return createGrpcClient({
    definition,
    service: SERVICE,
    from: 'gateway',
    resolver: createStaticResolver({ [SERVICE]: [{ http: NOWHERE, grpc: address }] }),
    policy: policies.create(SERVICE, { timeoutMs: TIMEOUT_MS, concurrency: CONCURRENCY, judge: () => 'answered' }),
    serviceKey,
    timeoutMs: TIMEOUT_MS,
    logger,
    metrics,
  });
}

export type GrpcRefusal = {
  readonly code: ErrorCode;
  readonly status: ErrorGrpcStatus;
  readonly message: string;
  readonly details: unknown;
  readonly headers: Readonly<Record<string, string>>;
};

/** What a call was refused with; fails when it was answered, or when nothing answered. */
export async function grpcRefusal(call: Promise<unknown>): Promise<GrpcRefusal> {
  const error = await call.then(
    (answer) => assert.fail(`answered: ${JSON.stringify(answer)}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof AppError)) throw error;
  const { code, message, details = null, headers = {} } = error;
  return { code, status: ERROR_GRPC_STATUS[code], message, details, headers };
}
