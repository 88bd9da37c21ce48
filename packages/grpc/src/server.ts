import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { AppError, Verifier } from '@punctual/http';
import type { Component } from '@punctual/lifecycle';
import type { Logger, Metrics } from '@punctual/telemetry';
import { createServer, type Server, type ServiceImplementation, type TsProtoServiceDefinition } from 'nice-grpc';
import { HealthDefinition, HealthServiceImpl } from 'nice-grpc-server-health';
import { ServerReflection, ServerReflectionService } from 'nice-grpc-server-reflection';
import './library-log.ts';
import type { CallExtra } from './caller.ts';
import { createHealth } from './health.ts';
import { deadlineInterceptor } from './incoming-deadline.ts';
import { serveCall } from './serve-call.ts';
import { createServiceTokens } from './service-tokens.ts';
import { wireDefinition } from './wire-definition.ts';

/** One service of the server: what the .proto file says, and the functions that answer it. */
export type GrpcService<Definition extends TsProtoServiceDefinition> = {
  readonly definition: Definition;
  readonly implementation: ServiceImplementation<Definition, CallExtra>;
};

export type GrpcServerOptions<Definitions extends readonly TsProtoServiceDefinition[]> = {
  /** Our name, for the log. */
  readonly service: string;
  readonly host: string;
  /** 0 takes a free port; read it from `address` after start. */
  readonly port: number;
  readonly services: { readonly [Index in keyof Definitions]: GrpcService<Definitions[Index]> };
  readonly verifier: Verifier;
  /** SERVICE_KEY: a key of at least 32 characters, or a list of them, comma-separated. */
  readonly serviceKey: string;
  /** The same function that the HTTP app has. */
  readonly mapError?: ((error: unknown) => AppError | undefined) | undefined;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** The longest message that is read, default 1,000,000. */
  readonly maxMessageBytes?: number;
  /** Calls at a time over one connection, default 1,000; more wait at the client. */
  readonly maxConcurrentStreams?: number;
  /** How long calls under way may take on stop, default 8,000. */
  readonly drainTimeoutMs?: number;
};

/** A lifecycle component; `address` is `host:port`, known once started. */
export type GrpcServer = Component & { readonly address: string; readonly port: number };

const MAX_MESSAGE_BYTES = 1_000_000;
const MAX_CONCURRENT_STREAMS = 1_000;
const DRAIN_TIMEOUT_MS = 8_000;
/** A client that has gone without a word is found by these, so that its connection does not stay for ever. */
const KEEPALIVE_TIME_MS = 30_000;
const KEEPALIVE_TIMEOUT_MS = 10_000;

/**
 * Serves the services, grpc.health.v1 and reflection. Stop order: health says NOT_SERVING, no new connection or call is taken, those
 * under way finish within the bound, whatever is left is cut.
 */
export function createGrpcServer<const Definitions extends readonly TsProtoServiceDefinition[]>(
  options: GrpcServerOptions<Definitions>,
): GrpcServer {
  const { host, logger, drainTimeoutMs = DRAIN_TIMEOUT_MS } = options;
  const serviceNames = options.services.map(({ definition }) => definition.fullName);
  const health = createHealth(serviceNames);
  const middleware = serveCall({ ...options, serviceTokens: createServiceTokens(options.serviceKey) });
  let server: Server | undefined;
  let { port } = options;

  function add<Definition extends TsProtoServiceDefinition>(to: Server, service: GrpcService<Definition>): void {
    to.with(middleware).add(wireDefinition(service.definition, logger), service.implementation);
  }

  return {
    name: 'grpc server',
    get address() {
      return `${host}:${port}`;
    },
    get port() {
      return port;
    },
    async start() {
      const created = createServer({
        'grpc.max_receive_message_length': options.maxMessageBytes ?? MAX_MESSAGE_BYTES,
        'grpc.max_concurrent_streams': options.maxConcurrentStreams ?? MAX_CONCURRENT_STREAMS,
        'grpc.keepalive_time_ms': KEEPALIVE_TIME_MS,
        'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
        interceptors: [deadlineInterceptor],
      });
      for (const service of options.services) add(created, service);
      created.with(health.middleware).add(HealthDefinition, HealthServiceImpl(health.state));
      created.add(ServerReflectionService, ServerReflection(descriptors(), serviceNames));
      port = await listen(created, host, port);
      server = created;
      health.serving();
      logger.info('grpc server listening', { host, port, services: serviceNames });
    },
    async stop() {
      if (server === undefined) return;
      health.stopping();
      const cut = await drain(server, drainTimeoutMs);
      if (cut) logger.warn('grpc server cut calls that did not finish in time', { port });
      server = undefined;
    },
  };
}

async function listen(server: Server, host: string, port: number): Promise<number> {
  try {
    return await server.listen(`${host}:${port}`);
  } catch (error) {
    throw new Error(`cannot listen on ${host}:${port} for gRPC`, { cause: error });
  }
}

/** True when calls had to be cut. */
async function drain(server: Server, timeoutMs: number): Promise<boolean> {
  let cut = false;
  const deadline = setTimeout(() => {
    cut = true;
    server.forceShutdown();
  }, timeoutMs);
  try {
    await server.shutdown();
  } finally {
    clearTimeout(deadline);
  }
  return cut;
}

/** What the .proto files say, for reflection. */
function descriptors(): Uint8Array {
  return readFileSync(fileURLToPath(import.meta.resolve('@punctual/contracts/descriptors.binpb')));
}
