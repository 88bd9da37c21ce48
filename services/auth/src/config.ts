import {
  databaseConfig,
  discoveryConfig,
  duration,
  grpcConfig,
  httpConfig,
  integer,
  kafkaConfig,
  logConfig,
  rabbitConfig,
  resilienceConfig,
  secret,
  text,
} from '@punctual/config';
import { z } from 'zod';
import { isKeyList, isSigningKey } from './security/signing-keys.ts';

/** What `migrate-up`, `migrate-down` and `seed` need. */
export const databaseOnlySchema = z.object({ ...logConfig, ...databaseConfig });

/** What `admin-create` needs. The password is that of the new admin. */
export const createAdminSchema = z.object({
  ...databaseOnlySchema.shape,
  ADMIN_PASSWORD: secret('a password of 10 to 128 characters').optional(),
});

export const configSchema = z.object({
  ...logConfig,
  ...httpConfig,
  ...grpcConfig,
  ...discoveryConfig,
  ...databaseConfig,
  ...kafkaConfig,
  ...rabbitConfig,
  ...resilienceConfig,
  JWT_ISSUER: text(),
  JWT_AUDIENCE: text(),
  JWT_SIGNING_KEY: secret('one Ed25519 private key in PEM').refine(isSigningKey),
  /** Keys that have signed until lately: they still verify. */
  JWT_RETIRED_KEYS: secret('Ed25519 keys in PEM').refine(isKeyList).optional(),
  /** Keeps hashed codes from being guessed; derived from the signing key when absent. */
  CODE_HMAC_KEY: secret().optional(),
  ACCESS_TOKEN_TTL: duration().prefault('15m'),
  REFRESH_TOKEN_TTL: duration().prefault('30d'),
  VERIFICATION_TTL: duration().prefault('10m'),
  RESEND_COOLDOWN: duration().prefault('1m'),
  VERIFICATION_MAX_TRIES: integer({ min: 1, max: 20 }).default(5),
  VERIFICATION_MAX_CODES: integer({ min: 1, max: 100 }).default(5),
  /** Register, resend and refused codes are answered no sooner, so that timing does not tell known addresses. */
  UNIFORM_ANSWER_TIME: duration().prefault('100ms'),
  /** Wrong passwords, per account and per client address, and wrong codes, per client address, that are heard at once. */
  LOGIN_ACCOUNT_FAILURES: integer({ min: 1, max: 1_000 }).default(10),
  LOGIN_ADDRESS_FAILURES: integer({ min: 1, max: 1_000_000 }).default(100),
  VERIFY_ADDRESS_FAILURES: integer({ min: 1, max: 1_000_000 }).default(50),
  /** In what time that many are heard again. */
  FAILURE_WINDOW: duration().prefault('15m'),
  /** Registrations per client address that are heard at once, and in what time that many are heard again. */
  REGISTER_ADDRESS_LIMIT: integer({ min: 1, max: 1_000_000 }).default(200),
  REGISTER_WINDOW: duration().prefault('1h'),
  /** How long the mail service's first receipt for a job is waited for before the job is published again. */
  RECEIPT_WAIT: duration().prefault('10m'),
  PASSWORD_HASH_CONCURRENCY: integer({ min: 1, max: 64 }).default(2),
  PASSWORD_HASH_QUEUE: integer({ min: 0, max: 10_000 }).default(200),
});

export type DatabaseOnlyConfig = z.infer<typeof databaseOnlySchema>;
export type AuthConfig = z.infer<typeof configSchema>;
export type CreateAdminConfig = z.infer<typeof createAdminSchema>;
