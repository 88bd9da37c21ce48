import { databaseConfig, httpConfig, identityConfig, kafkaConfig, logConfig } from '@punctual/config';
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
});
export type ServiceConfig = z.infer<typeof serviceConfig>;
