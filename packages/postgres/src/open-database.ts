import type { Logger, Metrics } from '@punctual/telemetry';
import { createDatabase, type Database } from './database.ts';

/** What a service's configuration says of its database, under the names of its environment. */
export type DatabaseSettings = {
  readonly DATABASE_URL: string;
  readonly DATABASE_REPLICA_URL?: string | undefined;
  readonly DATABASE_POOL_MAX?: number | undefined;
};

export type OpenOptions = { readonly service: string; readonly logger: Logger; readonly metrics?: Metrics | undefined };

/** A service's database; see createDatabase. */
export function openDatabase(settings: DatabaseSettings, { service, logger, metrics }: OpenOptions): Database {
  return createDatabase({
    primaryUrl: settings.DATABASE_URL,
    replicaUrl: settings.DATABASE_REPLICA_URL,
    poolMax: settings.DATABASE_POOL_MAX,
    applicationName: service,
    logger,
    metrics,
  });
}

/** For a command that ends: the database is closed when the work is done or has failed. */
export async function withDatabase<T>(
  settings: DatabaseSettings,
  options: OpenOptions,
  work: (db: Database) => Promise<T>,
): Promise<T> {
  const db = openDatabase(settings, options);
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}
