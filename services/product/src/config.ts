import { databaseConfig, httpConfig, identityConfig, integer, kafkaConfig, logConfig } from '@punctual/config';
import { z } from 'zod';

/** What migrations, the seed and a rebuild need: the database alone. */
export const databaseOnlyConfig = z.object({ ...databaseConfig, ...logConfig });
export type DatabaseOnlyConfig = z.infer<typeof databaseOnlyConfig>;

export const serviceConfig = z.object({
  ...httpConfig,
  ...databaseConfig,
  ...kafkaConfig,
  ...identityConfig,
  ...logConfig,
  /** Partitions of the order topic settled at the same time. */
  RESERVE_CONCURRENCY: integer({ min: 1, max: 16 }).default(1),
});
export type ServiceConfig = z.infer<typeof serviceConfig>;
