/**
 * Migrations are given as an explicit list, append-only, under names without extensions. A run takes an advisory lock and applies all
 * that is missing in ONE transaction: concurrent runs wait for each other, and a killed one leaves neither a lock nor half a schema.
 */
import type { Logger } from '@punctual/telemetry';
import type { Knex } from 'knex';
import type { Database } from './database.ts';
import type { Transaction } from './query.ts';

const MIGRATIONS_TABLE = 'migrations';
/** Any constant will do; advisory locks are per database. */
const ADVISORY_LOCK = 7_208_150_422;
const WAIT_FOR_LOCK_SECONDS = 60;
const STATEMENT_TIMEOUT_MS = 300_000;

export type Migration = {
  /** Such as `0001-orders`; never changed once it was applied anywhere. */
  readonly name: string;
  up(tx: Transaction): Promise<void>;
  down(tx: Transaction): Promise<void>;
};

export type Direction = 'up' | 'down';

/** Brings the schema up to date, or takes the last step back. */
export async function migrate(
  db: Database,
  migrations: readonly Migration[],
  { direction, logger }: { direction: Direction; logger: Logger },
): Promise<void> {
  if (direction === 'up') await migrateUp(db, migrations, logger);
  else await migrateDown(db, migrations, { logger });
}

/** Applies what is missing, in the list's order; returns the names that were applied. */
export function migrateUp(db: Database, migrations: readonly Migration[], logger?: Logger): Promise<string[]> {
  return withMigrationLock(db, async (tx) => {
    const applied: string[] = appliedNames(await tx.migrate.latest(migratorConfig(migrations)));
    if (applied.length > 0) logger?.info('migrations applied', { migrations: applied });
    return applied;
  });
}

/** Takes back the last `steps` migrations that were applied; returns their names, newest first. */
export function migrateDown(
  db: Database,
  migrations: readonly Migration[],
  { steps = 1, logger }: { steps?: number; logger?: Logger } = {},
): Promise<string[]> {
  return withMigrationLock(db, async (tx) => {
    const reverted: string[] = [];
    for (let step = 0; step < steps; step += 1) {
      const names = appliedNames(await tx.migrate.down(migratorConfig(migrations)));
      if (names.length === 0) break;
      reverted.push(...names);
    }
    if (reverted.length > 0) logger?.info('migrations taken back', { migrations: reverted });
    return reverted;
  });
}

function withMigrationLock<T>(db: Database, work: (tx: Transaction) => Promise<T>): Promise<T> {
  return db.transaction(
    async (tx) => {
      await tx.raw(`SET LOCAL lock_timeout = '${WAIT_FOR_LOCK_SECONDS}s'`);
      // Inside DO rather than SELECT, which pgpool would be free to send to a replica.
      await tx.raw(`DO $$ BEGIN PERFORM pg_advisory_xact_lock(${ADVISORY_LOCK}); END $$`);
      return await work(tx);
    },
    { statementTimeoutMs: STATEMENT_TIMEOUT_MS },
  );
}

function migratorConfig(migrations: readonly Migration[]): Knex.MigratorConfig {
  const source: Knex.MigrationSource<Migration> = {
    getMigrations: async () => [...migrations],
    getMigrationName: (migration) => migration.name,
    getMigration: async (migration) => ({
      up: (tx) => asTransaction(tx, (own) => migration.up(own)),
      down: (tx) => asTransaction(tx, (own) => migration.down(own)),
    }),
  };
  return { migrationSource: source, tableName: MIGRATIONS_TABLE };
}

function asTransaction(queryable: Knex, work: (tx: Transaction) => Promise<void>): Promise<void> {
  if (!isTransaction(queryable)) throw new Error('a migration runs inside a transaction');
  return work(queryable);
}

function isTransaction(queryable: Knex): queryable is Transaction {
  return queryable.isTransaction === true;
}

/** Knex answers `[batch number, names]`. */
function appliedNames(answer: unknown): string[] {
  const names: unknown = Array.isArray(answer) ? answer[1] : undefined;
  return Array.isArray(names) ? names.map(String) : [];
}
