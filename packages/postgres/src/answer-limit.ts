/**
 * Every statement has a limit at the server, but the server is not always who answers: a pooler whose backend has crashed, or a network
 * that lost its state, may be silent for ever, and with it the transaction, the relay or the consumer that waits. So every
 * connection also limits how long it waits for an answer. Past that it is broken off, which fails the statement like any
 * other lost connection: what became of it is unknown.
 */
import type { Knex } from 'knex';

/** What an answer may take beyond the server's own limit. */
const MARGIN_MS = 3_000;

/** The part of a pg client that is used; knex gives every statement a callback. */
type Connection = {
  query(statement: unknown, done: (error: unknown, result: unknown) => void): unknown;
  readonly connection: { readonly stream: { destroy(error: Error): void } };
};

const statementLimits = new WeakMap<object, number>();

/** Watches every connection that the pool opens from now on. */
export function limitAnswers(pool: Knex, statementTimeoutMs: number): void {
  const client: { acquireRawConnection(): Promise<Connection> } = pool.client;
  const acquireRawConnection = client.acquireRawConnection.bind(client);
  client.acquireRawConnection = async () => {
    const connection = await acquireRawConnection();
    const query = connection.query.bind(connection);
    connection.query = (statement, done) => {
      const limitMs = (statementLimits.get(connection) ?? statementTimeoutMs) + MARGIN_MS;
      const timer = setTimeout(() => {
        connection.connection.stream.destroy(new Error(`Connection terminated: no answer within ${limitMs} ms`));
      }, limitMs);
      return query(statement, (error, result) => {
        clearTimeout(timer);
        done(error, result);
      });
    };
    return connection;
  };
}

/** Lets the statements of one transaction take longer (or less long); the returned function takes it back. */
export async function allowStatements(tx: Knex.Transaction, statementTimeoutMs: number): Promise<() => void> {
  const connection: object = await tx.client.acquireConnection();
  await tx.raw(`SET LOCAL statement_timeout = '${Math.round(statementTimeoutMs)}ms'`);
  statementLimits.set(connection, statementTimeoutMs);
  return () => statementLimits.delete(connection);
}
