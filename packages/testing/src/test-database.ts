import { createDatabase, type Migration, migrateUp } from '@punctual/postgres';
import { silentLogger } from '@punctual/telemetry';
import { Client, escapeIdentifier } from 'pg';
import { eventually } from './eventually.ts';
import { servers } from './servers.ts';
import { testName } from './test-name.ts';

export type TestDatabase = {
  readonly name: string;
  /** Directly on the primary. */
  readonly primaryUrl: string;
  /** Directly on the streaming replica. */
  readonly replicaUrl: string;
  /** Through pgpool, which routes by the application name. */
  readonly pgpoolUrl: string;
  /** Drops the database, whoever is still connected. */
  drop(): Promise<void>;
};

/** Creates and migrates a database of the test's own, and waits until the replica has it too. */
export async function testDatabase(label: string, migrations: readonly Migration[] = []): Promise<TestDatabase> {
  const { postgres } = servers();
  const name = testName(label);
  // As superuser: autovacuum may be at work in it, and only a superuser may end that.
  const drop = (): Promise<void> =>
    runOn(postgres.adminUrl, `DROP DATABASE IF EXISTS ${escapeIdentifier(name)} WITH (FORCE)`);
  const urls = {
    primaryUrl: withDatabase(postgres.primaryUrl, name),
    replicaUrl: withDatabase(postgres.replicaUrl, name),
    pgpoolUrl: withDatabase(postgres.pgpoolUrl, name),
  };
  await runOn(postgres.primaryUrl, `CREATE DATABASE ${escapeIdentifier(name)}`);
  try {
    await migrate(urls.primaryUrl, migrations);
    await replicated(urls);
  } catch (error) {
    await drop();
    throw error;
  }
  return { name, ...urls, drop };
}

async function migrate(primaryUrl: string, migrations: readonly Migration[]): Promise<void> {
  if (migrations.length === 0) return;
  const db = createDatabase({ primaryUrl, applicationName: 'test-migrations', logger: silentLogger(), poolMax: 1 });
  try {
    await migrateUp(db, migrations);
  } finally {
    await db.close();
  }
}

/** Waits until the replica has replayed what the primary has written so far; at once where the "replica" is no standby. */
async function replicated({ primaryUrl, replicaUrl }: { primaryUrl: string; replicaUrl: string }): Promise<void> {
  const written = await withClient(primaryUrl, async (client) => {
    const result = await client.query<{ lsn: string }>('SELECT pg_current_wal_lsn()::text AS lsn');
    return result.rows[0]?.lsn;
  });
  await eventually(() =>
    withClient(replicaUrl, async (client) => {
      const result = await client.query<{ caught_up: boolean }>(
        'SELECT NOT pg_is_in_recovery() OR pg_last_wal_replay_lsn() >= $1::pg_lsn AS caught_up',
        [written],
      );
      if (result.rows[0]?.caught_up !== true) throw new Error('the replica has not replayed the new database yet');
    }),
  );
}

async function runOn(url: string, sql: string): Promise<void> {
  await withClient(url, (client) => client.query(sql));
}

async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  try {
    await client.connect();
  } catch (error) {
    throw new Error(`no Postgres at ${new URL(url).host}: \`make test\` starts the test stack's servers`, {
      cause: error,
    });
  }
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}
