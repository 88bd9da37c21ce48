import { ProductServiceDefinition, type ProductServiceImplementation } from '@punctual/contracts/grpc/product';
import type { Instance, Resolver } from '@punctual/coordination';
import { type Identity, unauthenticated, type Verifier } from '@punctual/http';
import { createPolicies, type PolicyOptions } from '@punctual/resilience';
import { createMetrics, type LogFields, type Logger, type Metrics } from '@punctual/telemetry';
import { ServerError, Status } from 'nice-grpc';
import {
  type CallExtra,
  createGrpcClient,
  createGrpcServer,
  type GrpcClient,
  type GrpcClientOptions,
  type GrpcServer,
  type GrpcServerOptions,
  judgeCall,
} from '../src/index.ts';

export const SERVICE_KEY = 'a-key-that-only-tests-know-0123456789';
export const HOST = '127.0.0.1';

export type LogLine = { level: string; message: string; fields: LogFields };
export type ProductCalls = ProductServiceImplementation<CallExtra>;

/** Keeps what is logged, for a test to look at. */
export function recordingLogger(): { logger: Logger; lines: LogLine[] } {
  const lines: LogLine[] = [];
  const write =
    (level: string) =>
    (message: string, fields: LogFields = {}): void => {
      lines.push({ level, message, fields });
    };
  const logger: Logger = {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    child: () => logger,
  };
  return { logger, lines };
}

/** Two tokens that need no keys; tests of tokens bring the real verifier. */
export const fakeVerifier: Verifier = {
  async verify(token) {
    const identities: Record<string, Identity> = {
      'customer-token': { userId: 7, email: 'customer@punctual.test', role: 'customer', tokenId: 'c' },
      'admin-token': { userId: 1, email: 'admin@punctual.test', role: 'admin', tokenId: 'a' },
    };
    const identity = identities[token];
    if (identity === undefined) throw unauthenticated('The access token is not valid.', { invalidToken: true });
    return identity;
  },
};

export type TestServer = { server: GrpcServer; lines: LogLine[]; metrics: Metrics };
type ServerOverrides = Partial<Omit<GrpcServerOptions<[typeof ProductServiceDefinition]>, 'services'>>;

const unimplemented = async (): Promise<never> => {
  throw new ServerError(Status.UNIMPLEMENTED, 'not in this test');
};

/** A server of the catalog that answers as the test says. Stop it in `after`. */
export async function startServer(calls: Partial<ProductCalls>, overrides: ServerOverrides = {}): Promise<TestServer> {
  const { logger, lines } = recordingLogger();
  const metrics = createMetrics('product');
  const implementation: ProductCalls = {
    getProduct: unimplemented,
    batchGetProducts: unimplemented,
    listProducts: unimplemented,
    searchProducts: unimplemented,
    suggestProducts: unimplemented,
    ...calls,
  };
  const server = createGrpcServer({
    service: 'product',
    host: HOST,
    port: 0,
    services: [{ definition: ProductServiceDefinition, implementation }],
    verifier: fakeVerifier,
    serviceKey: SERVICE_KEY,
    logger,
    metrics,
    ...overrides,
  });
  await server.start();
  return { server, lines, metrics };
}

/** A resolver whose answer a test changes. */
export function changingResolver(...addresses: string[]): Resolver & { set(...addresses: string[]): void } {
  let instances = instancesAt(addresses);
  const listeners = new Set<(instances: readonly Instance[]) => void>();
  return {
    watch(_service, listener) {
      listeners.add(listener);
      if (instances.length > 0) listener(instances);
      return () => listeners.delete(listener);
    },
    set(...changed) {
      instances = instancesAt(changed);
      for (const listener of listeners) listener(instances);
    },
    close: () => Promise.resolve(),
  };
}

function instancesAt(addresses: readonly string[]): Instance[] {
  return addresses.map((grpc) => ({ http: `${HOST}:1`, grpc }));
}

export type TestClient = GrpcClient<typeof ProductServiceDefinition> & { metrics: Metrics };
type ClientOverrides = Partial<GrpcClientOptions<typeof ProductServiceDefinition>> & { guard?: Partial<PolicyOptions> };

/** A client of the order service for these addresses. Close it in `after`. */
export function startClient(to: Resolver | string, { guard, ...overrides }: ClientOverrides = {}): TestClient {
  const { logger } = recordingLogger();
  const metrics = createMetrics('order');
  const breaker = {
    CIRCUIT_BREAKER_MAX_REQUESTS: 3,
    CIRCUIT_BREAKER_INTERVAL: 60_000,
    CIRCUIT_BREAKER_TIMEOUT: 30_000,
  };
  const policy = createPolicies(breaker, { logger, metrics }).create('product', {
    timeoutMs: 20_000,
    concurrency: 1_000,
    breakAfter: 1_000,
    judge: judgeCall,
    ...guard,
  });
  const client = createGrpcClient({
    definition: ProductServiceDefinition,
    service: 'product',
    from: 'order',
    resolver: typeof to === 'string' ? changingResolver(to) : to,
    policy,
    serviceKey: SERVICE_KEY,
    timeoutMs: 10_000,
    logger,
    metrics,
    ...overrides,
  });
  return { ...client, metrics };
}
