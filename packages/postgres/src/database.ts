import type { Logger, Metrics } from '@punctual/telemetry';
import knex, { type Knex } from 'knex';
import { limitAnswers } from './answer-limit.ts';
import { connectionSettings, type Timeouts } from './connection.ts';
import { DatabaseUnavailable } from './database-unavailable.ts';
import { observePools, type Pool } from './pool-metrics.ts';
import type { Transaction } from './query.ts';
import { runTransaction, type TransactionOptions } from './transaction.ts';
import { translateErrors } from './translate-errors.ts';

const DEFAULT_POOL_MAX = 10;
const ACQUIRE_TIMEOUT_MS = 3_000;
const IDLE_CONNECTION_MS = 10_000;
const DEFAULT_TIMEOUTS: Timeouts = {
  statementTimeoutMs: 10_000,
  lockTimeoutMs: 5_000,
  idleInTransactionTimeoutMs: 10_000,
  connectTimeoutMs: 2_000,
};

export type DatabaseOptions = {
  /** Writes, and the reads that decide. */
  primaryUrl: string;
  /** Lists and searches; the primary when absent. */
  replicaUrl?: string | undefined;
  /** Connections per pool at most; none are held when idle. */
  poolMax?: number | undefined;
  /** pgpool routes by `<applicationName>-write` and `<applicationName>-read`. */
  applicationName: string;
  logger: Logger;
  metrics?: Metrics | undefined;
  timeouts?: Partial<Timeouts> | undefined;
  /** How long a caller waits for a free connection before DatabaseUnavailable. */
  acquireTimeoutMs?: number | undefined;
};

export type Database = {
  readonly primary: Knex;
  /** May lag behind the primary. */
  readonly replica: Knex;
  /** Commits what `fn` did when it resolves, rolls back when it rejects; always on the primary. */
  transaction<T>(fn: (tx: Transaction) => Promise<T>, options?: TransactionOptions): Promise<T>;
  /** Throws DatabaseUnavailable unless primary and replica answer. */
  ping(): Promise<void>;
  /** Waits for running queries, then closes every connection. */
  close(): Promise<void>;
};

/** Connects lazily: creating it needs no server. Every query that fails for want of a server throws DatabaseUnavailable. */
export function createDatabase(options: DatabaseOptions): Database {
  const { primaryUrl, replicaUrl, applicationName, logger, metrics } = options;
  const primary = createPool(primaryUrl, `${applicationName}-write`, options);
  const replica = replicaUrl === undefined ? primary : createPool(replicaUrl, `${applicationName}-read`, options);
  const pools: Record<string, Pool> = { primary: primary.client.pool };
  if (replica !== primary) pools.replica = replica.client.pool;
  const transactionSeconds = metrics === undefined ? undefined : observePools(metrics, pools);
  const members = [...new Set([primary, replica])];

  return {
    primary,
    replica,
    async transaction(fn, transactionOptions) {
      const stopTimer = transactionSeconds?.startTimer();
      try {
        const result = await runTransaction(primary, fn, { ...transactionOptions, logger });
        stopTimer?.({ outcome: 'committed' });
        return result;
      } catch (error) {
        stopTimer?.({ outcome: error instanceof DatabaseUnavailable ? 'unavailable' : 'rolled_back' });
        throw error;
      }
    },
    async ping() {
      await Promise.all(members.map((member) => member.raw('SELECT 1')));
    },
    async close() {
      await Promise.all(members.map((member) => member.destroy()));
    },
  };
}

function createPool(url: string, applicationName: string, options: DatabaseOptions): Knex {
  const { poolMax = DEFAULT_POOL_MAX, acquireTimeoutMs = ACQUIRE_TIMEOUT_MS, timeouts, logger } = options;
  const pool = knex({
    client: 'pg',
    connection: connectionSettings({ url, applicationName, timeouts: { ...DEFAULT_TIMEOUTS, ...timeouts } }),
    pool: { min: 0, max: poolMax, idleTimeoutMillis: IDLE_CONNECTION_MS },
    acquireConnectionTimeout: acquireTimeoutMs,
    // Error messages show the statement with its placeholders: values may be personal or secret.
    compileSqlOnError: false,
    log: {
      warn: (detail: unknown) => logger.warn('knex warned', { detail }),
      error: (detail: unknown) => logger.error('knex reported an error', { detail }),
      deprecate: (method: string, alternative: string) =>
        logger.warn('knex deprecates a call', { method, alternative }),
      debug: (detail: unknown) => logger.debug('knex debug', { detail }),
    },
  });
  limitAnswers(pool, timeouts?.statementTimeoutMs ?? DEFAULT_TIMEOUTS.statementTimeoutMs);
  translateErrors(pool);
  return pool;
}
