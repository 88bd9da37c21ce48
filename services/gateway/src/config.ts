import {
  bool,
  byteSize,
  csv,
  discoveryConfig,
  duration,
  grpcConfig,
  httpConfig,
  identityConfig,
  integer,
  json,
  kafkaConfig,
  loadConfig,
  logConfig,
  redisConfig,
  resilienceConfig,
  url,
} from '@punctual/config';
import { z } from 'zod';
import { routesSchema } from './edge/route-table.ts';

const rateLimit = z.strictObject({ perSecond: z.number().positive(), burst: z.int().positive() });

/** Of GraphQL; see the README and docs/graphql.md. */
const graphqlConfig = {
  GRAPHQL_MAX_DEPTH: integer({ min: 1, max: 50 }).default(12),
  GRAPHQL_MAX_ALIASES: integer({ max: 1_000 }).default(15),
  GRAPHQL_MAX_TOKENS: integer({ min: 1, max: 100_000 }).default(2_000),
  GRAPHQL_MAX_DIRECTIVES: integer({ max: 1_000 }).default(20),
  GRAPHQL_MAX_COST: integer({ min: 1 }).default(10_000),
  GRAPHQL_MAX_MUTATIONS: integer({ min: 1, max: 100 }).default(3),
  GRAPHQL_BODY_LIMIT: byteSize().default(100_000),
  GRAPHQL_TIMEOUT: duration().default(15_000),
  GRAPHQL_READ_TIMEOUT: duration().default(3_000),
  GRAPHQL_WRITE_TIMEOUT: duration().default(10_000),
  GRAPHQL_SUBSCRIPTIONS: integer({ max: 100_000 }).default(1_000),
  GRAPHQL_SUBSCRIPTIONS_PER_CLIENT: integer({ max: 100_000 }).default(5),
  /** Unless stated, outside production only. */
  GRAPHQL_INTROSPECTION: bool().optional(),
};

/** The gateway's variables; the README says what each is for. */
export const gatewaySchema = z.object({
  ...httpConfig,
  ...logConfig,
  ...identityConfig,
  ...redisConfig,
  ...kafkaConfig,
  ...discoveryConfig,
  ...resilienceConfig,
  SERVICE_KEY: grpcConfig.SERVICE_KEY,
  ...graphqlConfig,
  /** The address that clients know, without a path's trailing slash: links in answers start with it. */
  PUBLIC_URL: url().default('http://localhost:8080'),
  GATEWAY_ROUTES: json(routesSchema),
  CORS_ORIGINS: csv().default([]),
  TRUSTED_HOPS: integer({ max: 10 }).default(0),
  REDIS_TIMEOUT: duration().default(50),
  RATE_LIMIT_PER_SECOND: integer({ min: 1 }).default(100),
  RATE_LIMIT_BURST: integer({ min: 1 }).default(200),
  RATE_LIMIT_SERVICES: json(z.record(z.string(), rateLimit)).default({}),
  MAX_IN_FLIGHT: integer({ min: 1, max: 100_000 }).default(256),
  UPSTREAM_CONNECTIONS: integer({ min: 1, max: 10_000 }).default(128),
  UPSTREAM_TIMEOUT: duration().default(10_000),
  UPSTREAM_CONNECT_TIMEOUT: duration().default(1_000),
  BODY_LIMIT: byteSize().default(1_000_000),
  CLIENT_REQUEST_TIMEOUT: duration().default(30_000),
  CLIENT_HEADERS_TIMEOUT: duration().default(10_000),
});

export type GatewayConfig = z.infer<typeof gatewaySchema>;

/** Throws a ConfigError that lists every bad variable. */
export function loadGatewayConfig(env: Readonly<Record<string, string | undefined>>): GatewayConfig {
  return loadConfig(gatewaySchema, env);
}
