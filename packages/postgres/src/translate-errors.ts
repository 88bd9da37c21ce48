import type { Knex } from 'knex';
import { DatabaseUnavailable } from './database-unavailable.ts';
import { isUnavailable } from './sqlstate.ts';

/** The two methods of knex's client through which every query outside a transaction goes. */
type PoolClient = {
  acquireConnection(): Promise<unknown>;
  query(connection: unknown, query: unknown): Promise<unknown>;
};

/**
 * Makes a pool throw DatabaseUnavailable for whatever means that the server cannot be had, whether the query came from the builder or
 * from `raw`. Knex offers no hook for this, so the two methods of its client are wrapped, here and nowhere else.
 */
export function translateErrors(pool: Knex): void {
  const client: PoolClient = pool.client;
  const acquireConnection = client.acquireConnection.bind(client);
  const query = client.query.bind(client);
  client.acquireConnection = () => translated(acquireConnection());
  client.query = (connection, statement) => translated(query(connection, statement));
}

/** The error to throw in place of what a driver threw. */
export function translateError(error: unknown): unknown {
  return isUnavailable(error) && !(error instanceof DatabaseUnavailable) ? new DatabaseUnavailable(error) : error;
}

async function translated<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw translateError(error);
  }
}
