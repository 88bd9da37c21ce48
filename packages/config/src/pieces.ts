import { z } from 'zod';
import {
  addressList,
  csv,
  duration,
  factor,
  integer,
  json,
  port,
  secondsOrDuration,
  secret,
  text,
  url,
} from './variables.ts';

/** Pieces to spread into a service's schema: `z.object({...httpConfig, ...databaseConfig, ORDER_EXPIRY: duration()})`. */

export const httpConfig = { HOST: text().default('127.0.0.1'), PORT: port() };

export const databaseConfig = {
  DATABASE_URL: url({ example: 'postgres://user:password@localhost:5432/name' }),
  DATABASE_REPLICA_URL: url({ example: 'postgres://user:password@localhost:5433/name' }).optional(),
  DATABASE_POOL_MAX: integer({ min: 1, max: 1_000 }).default(10),
};

export const kafkaConfig = { KAFKA_BROKERS: csv(), KAFKA_TOPIC_PREFIX: z.string().default('') };

export const rabbitConfig = {
  RABBITMQ_URL: url({ example: 'amqp://user:password@localhost:5672' }),
  DELAY_STRATEGY: z.enum(['auto', 'plugin', 'ttl']).default('auto'),
};

export const identityConfig = {
  JWKS_URL: url({ example: 'http://localhost:3001/.well-known/jwks.json' }),
  JWT_ISSUER: text(),
  JWT_AUDIENCE: text(),
};

export const logConfig = {
  LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('info'),
  NODE_ENV: z.enum(['development', 'test', 'production']).default('production'),
};

export const redisConfig = { REDIS_NODES: addressList() };

/** 1 is real time; 8640 makes a day of the shop's calendar last ten seconds. */
export const timeConfig = { TIME_SCALE: factor().default(1) };

/** Of every breaker; the options of one dependency stand where it is called. See packages/resilience. */
export const resilienceConfig = {
  /** Calls that a half-open breaker lets through; when all of them succeed it closes. */
  CIRCUIT_BREAKER_MAX_REQUESTS: integer({ min: 1, max: 1_000 }).default(3),
  /** How often a closed breaker forgets the failures that it has counted. */
  CIRCUIT_BREAKER_INTERVAL: secondsOrDuration().prefault('60'),
  /** How long an open breaker keeps calls back before it is half-open. */
  CIRCUIT_BREAKER_TIMEOUT: secondsOrDuration().prefault('30'),
};

const hostAndPort = z.string().regex(/^[^\s:/]+:\d{1,5}$/, 'an address such as 127.0.0.1:3002');

/** How the other services are found. See packages/coordination. */
export const discoveryConfig = {
  DISCOVERY: z.enum(['static', 'dns', 'etcd']).default('static'),
  /** Addresses of each service's instances: all there are with `static`, those to begin with otherwise. */
  SERVICE_ADDRESSES: json(
    z.record(z.string(), z.array(z.strictObject({ http: hostAndPort, grpc: hostAndPort.optional() }))),
  ).prefault('{}'),
  /** Members of etcd, which also holds the settings that can be changed while services run; without it there are none. */
  ETCD_ENDPOINTS: addressList().optional(),
  /** Everything is below this key, so that several shops can share an etcd. */
  ETCD_PREFIX: z
    .string()
    .regex(/^(?:\/[A-Za-z0-9._-]+)+$/, 'a path such as /punctual')
    .default('/punctual'),
  /** The host under which the other services reach this one. */
  ADVERTISE_HOST: text().default('127.0.0.1'),
  /** With `dns`: a name that has one A record per instance, the ports that they all have, and how often to ask. */
  DISCOVERY_DNS_NAME: text().default('tasks.{service}'),
  DISCOVERY_HTTP_PORT: port().default(3000),
  DISCOVERY_GRPC_PORT: port().optional(),
  DISCOVERY_DNS_INTERVAL: duration().prefault('2s'),
};

/** gRPC beside HTTP, and the key that services prove with that a call comes from one of them. */
export const grpcConfig = {
  GRPC_PORT: port(),
  SERVICE_KEY: secret('a key of at least 32 characters that all services share'),
};
