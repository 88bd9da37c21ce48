import { AuthServiceDefinition, UserServiceDefinition } from '@punctual/contracts/grpc/auth';
import { OrderServiceDefinition } from '@punctual/contracts/grpc/order';
import { PaymentServiceDefinition } from '@punctual/contracts/grpc/payment';
import { ProductServiceDefinition } from '@punctual/contracts/grpc/product';
import { type Call, clientAddressOf, createGrpcServer, type GrpcServer } from '@punctual/grpc';
import { AppError, createVerifier } from '@punctual/http';
import { createMetrics, silentLogger } from '@punctual/telemetry';
import { CLOSED_ADDRESS, SERVICE_KEY, sharedTokens, startGateway } from './gateway-fixture.ts';

const logger = silentLogger();

/** One call that arrived at a service. */
export type SeenCall = {
  readonly method: string;
  readonly request: unknown;
  readonly service: string | undefined;
  readonly authorization: string | undefined;
  readonly clientAddress: string;
};

/** How a test plays the services: the methods that it needs, by their names in camelCase. The others answer NOT_FOUND. */
// biome-ignore lint/suspicious/noExplicitAny: the methods of five services, each with messages of its own
type Play = Readonly<Record<string, (request: any, call: Call) => unknown>>;

const SERVICES = {
  auth: [AuthServiceDefinition, UserServiceDefinition],
  product: [ProductServiceDefinition],
  order: [OrderServiceDefinition],
  payment: [PaymentServiceDefinition],
} as const;
export type ServiceName = keyof typeof SERVICES;

export type GraphqlFixture = {
  readonly url: string;
  readonly calls: SeenCall[];
  /** How many calls of a method arrived. */
  count(method: string): number;
  /** Sends a document, and returns status and body. */
  ask<Data = Record<string, unknown>>(query: string, options?: AskOptions): Promise<Answer<Data>>;
  stopService(name: ServiceName): Promise<void>;
  readonly gateway: Awaited<ReturnType<typeof startGateway>>;
  stop(): Promise<void>;
};

export type AskOptions = {
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly token?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
};

export type GraphqlError = {
  message: string;
  path?: (string | number)[];
  extensions: { code: string; details: unknown; request_id: string; dependency?: string; retryable?: boolean };
};
export type Answer<Data> = { status: number; headers: Headers; data: Data; errors: GraphqlError[] | undefined };

/** A gateway with all its services behind it, each a real gRPC server that answers as the test says and keeps what it was asked. */
export async function startGraph(play: Play, env: Readonly<Record<string, string>> = {}): Promise<GraphqlFixture> {
  const calls: SeenCall[] = [];
  const servers = new Map<ServiceName, GrpcServer>();
  const addresses: Record<string, { http: string; grpc: string }[]> = {};
  for (const name of Object.keys(SERVICES) as ServiceName[]) {
    const server = await startService(name, play, calls);
    servers.set(name, server);
    addresses[name] = [{ http: '127.0.0.1:9', grpc: server.address }];
  }
  const gateway = await startGateway(
    { shop: `http://${CLOSED_ADDRESS}` },
    { SERVICE_ADDRESSES: JSON.stringify(addresses), ...env },
  );
  return {
    url: gateway.url,
    calls,
    gateway,
    count: (method) => calls.filter((call) => call.method === method).length,
    ask: (query, options) => ask(gateway.url, query, options),
    async stopService(name) {
      await servers.get(name)?.stop();
    },
    async stop() {
      await gateway.stop();
      for (const server of servers.values()) await server.stop();
    },
  };
}

async function startService(name: ServiceName, play: Play, calls: SeenCall[]): Promise<GrpcServer> {
  const { jwksUrl, issuer, audience } = await sharedTokens();
  const server = createGrpcServer({
    service: name,
    host: '127.0.0.1',
    port: 0,
    services: SERVICES[name].map((definition) => ({ definition, implementation: played(definition, play, calls) })),
    verifier: createVerifier({ jwksUrl, issuer, audience, logger }),
    serviceKey: SERVICE_KEY,
    logger,
    metrics: createMetrics(name),
  });
  await server.start();
  return server;
}

function played(definition: { methods: Readonly<Record<string, unknown>> }, play: Play, calls: SeenCall[]) {
  const methods = Object.keys(definition.methods).map((method) => [
    method,
    async (request: unknown, call: Call) => {
      calls.push({
        method,
        request,
        service: call.caller.service,
        authorization: call.metadata.get('authorization'),
        clientAddress: clientAddressOf(call),
      });
      const answer = play[method];
      if (answer === undefined) throw new AppError({ code: 'NOT_FOUND', message: `nobody plays ${method}` });
      return await answer(request, call);
    },
  ]);
  return Object.fromEntries(methods);
}

export async function ask<Data>(
  url: string,
  query: string,
  { variables, token, path = '/graphql', headers = {} }: AskOptions = {},
): Promise<Answer<Data>> {
  const response = await fetch(url + path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...headers,
    },
    body: JSON.stringify({ query, variables }),
  });
  const body = (await response.json()) as { data: Data; errors?: GraphqlError[] };
  return { status: response.status, headers: response.headers, data: body.data, errors: body.errors };
}

export function codesOf({ errors }: Answer<unknown>): string[] {
  return (errors ?? []).map(({ extensions }) => extensions.code);
}

export async function tokenOf(userId: number, role: 'customer' | 'admin' = 'customer', expiresInSeconds = 900) {
  return await (await sharedTokens()).token({ userId, role, expiresInSeconds });
}
