import { Client } from 'pg';

const ANSWER_LIMIT_MS = 4_000;

/**
 * The first value that a statement returns, as text; '' for none. Over a connection from within this process: starting psql for each
 * question takes seconds on a machine that is busy, and a failover has no seconds to give away.
 */
export async function ask(url: string, statement: string, limitMs = ANSWER_LIMIT_MS): Promise<string> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: limitMs, query_timeout: limitMs });
  // A connection that breaks while nothing is asked is no matter of its own: the question fails.
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<unknown[]>({ text: statement, rowMode: 'array' });
    return String(rows[0]?.[0] ?? '');
  } finally {
    // Not awaited: a server that hangs would not say goodbye either.
    void client.end();
  }
}
