import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '@punctual/telemetry';
import type { Knex } from 'knex';
import { allowStatements } from './answer-limit.ts';
import { DatabaseUnavailable } from './database-unavailable.ts';
import type { Transaction } from './query.ts';
import { isRetryable, isUnavailable } from './sqlstate.ts';

const RETRY_BASE_DELAY_MS = 20;
const MAX_RETRIES = 10;

export type TransactionOptions = {
  /**
   * How often the whole of `fn` may be run again, at most 10, after a deadlock, a serialization failure or a connection that was lost
   * before the commit was sent. 0 when absent: `fn` must have no effect outside the transaction to be repeated.
   */
  retries?: number | undefined;
  /** How long each of its statements may take, when that is not what the pool allows. */
  statementTimeoutMs?: number | undefined;
  isolation?: 'read committed' | 'repeatable read' | 'serializable' | undefined;
};

export async function runTransaction<T>(
  pool: Knex,
  fn: (tx: Transaction) => Promise<T>,
  { logger, ...options }: TransactionOptions & { logger: Logger },
): Promise<T> {
  const { retries = 0 } = options;
  const maxRetries = Math.min(retries, MAX_RETRIES);
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await runOnce(pool, fn, options);
    } catch (error) {
      const repeatable = isRetryable(error) && !(error instanceof DatabaseUnavailable && error.commitUnknown);
      if (!repeatable || attempt >= maxRetries) throw error;
      logger.debug('transaction is tried again', { attempt: attempt + 1, error });
      await delay(Math.random() * RETRY_BASE_DELAY_MS * 2 ** attempt);
    }
  }
}

async function runOnce<T>(
  pool: Knex,
  fn: (tx: Transaction) => Promise<T>,
  { isolation, statementTimeoutMs }: TransactionOptions,
): Promise<T> {
  let body: 'running' | 'resolved' | { error: unknown } = 'running';
  let restoreLimit = (): unknown => undefined;
  try {
    return await pool.transaction(
      async (tx) => {
        try {
          if (statementTimeoutMs !== undefined) restoreLimit = await allowStatements(tx, statementTimeoutMs);
          const result = await fn(tx);
          body = 'resolved';
          return result;
        } catch (error) {
          body = { error };
          throw error;
        }
      },
      isolation === undefined ? {} : { isolationLevel: isolation },
    );
  } catch (error) {
    throw explain(error, body);
  } finally {
    restoreLimit();
  }
}

/** When the body failed, its error is the cause; that the ROLLBACK on a dead connection failed as well says less. */
function explain(error: unknown, body: 'running' | 'resolved' | { error: unknown }): unknown {
  const first = typeof body === 'object' ? body.error : error;
  if (!isUnavailable(first)) return first;
  if (first instanceof DatabaseUnavailable) return first;
  return new DatabaseUnavailable(first, { commitUnknown: body === 'resolved' });
}
