import assert from 'node:assert/strict';
import { silentLogger } from '@punctual/telemetry';
import { eventually, type TestDatabase, testDatabase } from '@punctual/testing';
import { createDatabase, type Database } from './database.ts';
import { type Migration, migrateDown, migrateUp } from './migrate.ts';
import { execute, rows } from './query.ts';

const INSTALLS = 20;

function tableMigration(name: string, table: string): Migration {
  return {
    name,
    up: async (tx) => {
      await tx.raw(`CREATE TABLE ${table} (id int)`);
    },
    down: async (tx) => {
      await tx.raw(`DROP TABLE ${table}`);
    },
  };
}

const first = tableMigration('0001-first', 'first');
const second = tableMigration('0002-second', 'second');

describe('migrations', () => {
  let server: TestDatabase;
  let opened: Database[];

  function open(primaryUrl = server.primaryUrl): Database {
    const db = createDatabase({
      primaryUrl,
      applicationName: 'shop',
      logger: silentLogger(),
      poolMax: 3,
      // Twenty at a time connect through one pooler; a busy machine takes its time.
      acquireTimeoutMs: 20_000,
      timeouts: { connectTimeoutMs: 20_000 },
    });
    opened.push(db);
    return db;
  }
  async function tables(): Promise<string[]> {
    const found = await rows<{ name: string }>(
      open().primary,
      `SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public' AND table_name IN ('first', 'second') ORDER BY 1`,
    );
    return found.map(({ name }) => name);
  }

  beforeEach(async () => {
    opened = [];
    server = await testDatabase('migrate');
  });
  afterEach(async () => {
    await Promise.all(opened.map((db) => db.close()));
    await server.drop();
  });

  it('applies what is missing, in order, once', async () => {
    const db = open();
    assert.deepEqual(await migrateUp(db, [first]), ['0001-first']);
    assert.deepEqual(await migrateUp(db, [first, second]), ['0002-second']);
    assert.deepEqual(await migrateUp(db, [first, second]), []);
    assert.deepEqual(await tables(), ['first', 'second']);
  });

  it('takes back as many steps as it is told, newest first', async () => {
    const db = open();
    await migrateUp(db, [first, second]);
    assert.deepEqual(await migrateDown(db, [first, second], { steps: 1 }), ['0002-second']);
    assert.deepEqual(await tables(), ['first']);
    assert.deepEqual(await migrateDown(db, [first, second], { steps: 5 }), ['0001-first']);
    assert.deepEqual(await tables(), []);
  });

  for (const way of ['primaryUrl', 'pgpoolUrl'] as const) {
    it(`lets ${INSTALLS} installs run at once by ${way}: each migration is applied by exactly one`, async () => {
      const applied = await Promise.all(
        Array.from({ length: INSTALLS }, () => migrateUp(open(server[way]), [first, second])),
      );
      assert.deepEqual(
        applied.filter((names) => names.length > 0),
        [['0001-first', '0002-second']],
      );
    });
  }

  it('leaves nothing behind when one fails: neither half a schema nor a lock', async () => {
    const broken: Migration = { ...second, up: () => Promise.reject(new Error('broken')) };
    await assert.rejects(migrateUp(open(), [first, broken]), { message: 'broken' });
    assert.deepEqual(await tables(), []);
    assert.deepEqual(await migrateUp(open(), [first, second]), ['0001-first', '0002-second']);
  });

  it('leaves no lock behind when it is killed in the middle', async () => {
    const reached = Promise.withResolvers<void>();
    const never = Promise.withResolvers<void>();
    const stuck: Migration = {
      ...second,
      up: (tx) => {
        reached.resolve();
        return Promise.race([never.promise, tx.raw('SELECT pg_sleep(60)').then(() => undefined)]);
      },
    };
    const killed = assert.rejects(migrateUp(open(), [first, stuck]));
    await reached.promise;
    await eventually(async () => {
      const count = await execute(
        open().primary,
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()`,
      );
      assert.ok(count > 0);
    });
    await killed;
    assert.deepEqual(await migrateUp(open(), [first, second]), ['0001-first', '0002-second']);
  });

  it('refuses a database that has migrations it does not know', async () => {
    const db = open();
    await migrateUp(db, [first, second]);
    await assert.rejects(migrateUp(db, [first]), /0002-second/);
  });
});
