import {
  byteSize,
  csv,
  duration,
  httpConfig,
  identityConfig,
  integer,
  json,
  loadConfig,
  logConfig,
  redisConfig,
  url,
} from '@punctual/config';
import { z } from 'zod';
import { routesSchema } from './edge/route-table.ts';

const rateLimit = z.strictObject({ perSecond: z.number().positive(), burst: z.int().positive() });

/** The gateway's variables; the README says what each is for. */
export const gatewaySchema = z.object({
  ...httpConfig,
  ...logConfig,
  ...identityConfig,
  ...redisConfig,
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
