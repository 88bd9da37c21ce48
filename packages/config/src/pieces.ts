import { z } from 'zod';
import { addressList, csv, factor, integer, port, text, url } from './variables.ts';

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
