import assert from 'node:assert/strict';
import { createMetrics, silentLogger } from '@punctual/telemetry';
import { eventually, type TestDatabase, tcpProxy, testDatabase } from '@punctual/testing';
import { createDatabase, type Database, type DatabaseOptions } from './database.ts';
import { DatabaseUnavailable } from './database-unavailable.ts';
import { execute, one, type Queryable, rows } from './query.ts';
import { isRetryable, isUniqueViolation, SQLSTATE, sqlState } from './sqlstate.ts';

const NOBODY_LISTENS = 'postgres://shop:hunter2@127.0.0.1:1/shop';

describe('createDatabase', () => {
  let server: TestDatabase;
  let opened: Database[] = [];

  function open(options: Partial<DatabaseOptions> = {}): Database {
    const { primaryUrl, replicaUrl } = server;
    const db = createDatabase({ primaryUrl, replicaUrl, applicationName: 'shop', logger: silentLogger(), ...options });
    opened.push(db);
    return db;
  }

  before(async () => {
    server = await testDatabase('database', [
      {
        name: '0001-accounts',
        up: async (tx) => {
          await tx.raw(
            'CREATE TABLE accounts (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text UNIQUE, balance bigint)',
          );
        },
        down: async (tx) => {
          await tx.raw('DROP TABLE accounts');
        },
      },
    ]);
  });
  afterEach(async () => {
    await Promise.all(opened.map((db) => db.close()));
    opened = [];
  });
  after(async () => {
    await server.drop();
  });

  it('reads bigint as a number, numeric as text, timestamptz as a Date and date as text', async () => {
    const row = await one(
      open().primary,
      `SELECT 9007199254740991::bigint AS big, ARRAY[1, NULL, 3]::bigint[] AS bigs, 1.10::numeric AS exact,
              '2026-01-02T03:04:05Z'::timestamptz AS at, '2026-01-02'::date AS day, '{"a": 1}'::jsonb AS json`,
    );
    assert.deepEqual(row, {
      big: Number.MAX_SAFE_INTEGER,
      bigs: [1, null, 3],
      exact: '1.10',
      at: new Date('2026-01-02T03:04:05Z'),
      day: '2026-01-02',
      json: { a: 1 },
    });
  });

  it('refuses a bigint that a number cannot hold', async () => {
    await assert.rejects(one(open().primary, 'SELECT 9007199254740992::bigint'), RangeError);
  });

  it('binds by name and by position, arrays as one value, and leaves casts alone', async () => {
    const { primary } = open();
    assert.deepEqual(await rows(primary, 'SELECT id::text FROM unnest(:ids::bigint[]) AS id', { ids: [1, 2] }), [
      { id: '1' },
      { id: '2' },
    ]);
    assert.deepEqual(await one(primary, 'SELECT ?::int = ANY(?::int[]) AS found', [2, [1, 2]]), { found: true });
    assert.deepEqual(await rows(primary, 'SELECT unnest(?::text[]) AS item', [['a', null]]), [
      { item: 'a' },
      { item: null },
    ]);
    assert.equal(await one(primary, 'SELECT 1 WHERE false'), undefined);
  });

  it('names its sessions for routing and bounds statements, locks and idle transactions', async () => {
    const db = open({
      timeouts: { statementTimeoutMs: 7_000, lockTimeoutMs: 3_000, idleInTransactionTimeoutMs: 4_000 },
    });
    const settings = (queryable: Queryable) =>
      one(
        queryable,
        `SELECT current_setting('application_name') AS name, current_setting('statement_timeout') AS statement,
                current_setting('lock_timeout') AS lock, current_setting('idle_in_transaction_session_timeout') AS idle`,
      );
    assert.deepEqual(await settings(db.primary), { name: 'shop-write', statement: '7s', lock: '3s', idle: '4s' });
    assert.deepEqual(await settings(db.replica), { name: 'shop-read', statement: '7s', lock: '3s', idle: '4s' });
  });

  it('commits what a transaction did, and rolls back when it throws, with its own error', async () => {
    const db = open();
    await db.transaction((tx) => execute(tx, `INSERT INTO accounts (name) VALUES ('kept')`));
    const refused = new Error('refused');
    await assert.rejects(
      db.transaction(async (tx) => {
        await execute(tx, `INSERT INTO accounts (name) VALUES ('gone')`);
        throw refused;
      }),
      refused,
    );
    assert.deepEqual(await rows(db.primary, `SELECT name FROM accounts WHERE name IN ('kept', 'gone')`), [
      { name: 'kept' },
    ]);
  });

  it('passes the errors of the server on with their SQLSTATE and constraint', async () => {
    const db = open();
    const twice = db.transaction(async (tx) => {
      await execute(tx, `INSERT INTO accounts (name) VALUES ('twin')`);
      await execute(tx, `INSERT INTO accounts (name) VALUES ('twin')`);
    });
    await assert.rejects(twice, (error) => {
      assert.ok(isUniqueViolation(error));
      assert.ok(isUniqueViolation(error, 'accounts_name_key'));
      assert.ok(!isUniqueViolation(error, 'other'));
      assert.ok(!isRetryable(error));
      return true;
    });
  });

  it('keeps the values of a statement out of its error', async () => {
    const wrong = execute(open().primary, 'INSERT INTO accounts (balance) VALUES (:secret)', { secret: 'hunter2' });
    await assert.rejects(wrong, (error) => error instanceof Error && /VALUES \(\$1\)/.test(error.message));
  });

  it('fails as unavailable wherever the network is cut, and works again when it is back', async () => {
    const proxy = await tcpProxy(server.primaryUrl);
    const db = open({ primaryUrl: proxy.url, replicaUrl: undefined });
    assert.deepEqual(await one(db.primary, 'SELECT 1 AS answer'), { answer: 1 });
    const inTransaction = db.transaction(async (tx) => {
      await execute(tx, `INSERT INTO accounts (name) VALUES ('cut')`);
      proxy.cut();
      await execute(tx, `INSERT INTO accounts (name) VALUES ('cut too')`);
    });
    await assert.rejects(inTransaction, DatabaseUnavailable);
    await assert.rejects(one(db.primary, 'SELECT 1'), DatabaseUnavailable);
    await assert.rejects(db.ping(), DatabaseUnavailable);
    proxy.heal();
    const sleeping = one(db.primary, 'SELECT pg_sleep(5)');
    await Promise.all([
      assert.rejects(sleeping, DatabaseUnavailable),
      eventually(() => assert.ok(proxy.connections() > 0)).then(() => proxy.cut()),
    ]);
    proxy.heal();
    assert.deepEqual(await rows(db.primary, `SELECT name FROM accounts WHERE name LIKE 'cut%'`), []);
    await db.close();
    await proxy.stop();
  });

  it('runs a deadlocked transaction again when asked, and not otherwise', async () => {
    const db = open();
    await execute(db.primary, `INSERT INTO accounts (name, balance) VALUES ('a', 0), ('b', 0)`);
    let attempts = 0;
    const add = (tx: Queryable, name: string) =>
      execute(tx, 'UPDATE accounts SET balance = balance + 1 WHERE name = ?', [name]);
    const crossing = (retries: number) => {
      const arrived = [Promise.withResolvers<void>(), Promise.withResolvers<void>()] as const;
      const move = (mine: 0 | 1, names: [string, string]) =>
        db.transaction(
          async (tx) => {
            attempts += 1;
            await add(tx, names[0]);
            arrived[mine].resolve();
            await arrived[mine === 0 ? 1 : 0].promise;
            await add(tx, names[1]);
          },
          { retries },
        );
      return Promise.allSettled([move(0, ['a', 'b']), move(1, ['b', 'a'])]);
    };

    const once = await crossing(0);
    const failure = once.find((outcome) => outcome.status === 'rejected');
    assert.equal(sqlState(failure?.reason), SQLSTATE.deadlockDetected);
    assert.equal(attempts, 2);

    const retried = await crossing(3);
    assert.ok(retried.every((outcome) => outcome.status === 'fulfilled'));
    assert.deepEqual(await rows(db.primary, `SELECT balance FROM accounts WHERE name IN ('a', 'b')`), [
      { balance: 3 },
      { balance: 3 },
    ]);
  });

  it('says within a moment that nobody listens, without the password', async () => {
    const db = open({ primaryUrl: NOBODY_LISTENS, replicaUrl: undefined });
    const failures = await Promise.all(
      [one(db.primary, 'SELECT 1'), db.primary('accounts').select(), db.transaction(async () => 1), db.ping()].map(
        (query) =>
          query.then(
            () => undefined,
            (error: unknown) => error,
          ),
      ),
    );
    for (const error of failures) {
      assert.ok(error instanceof DatabaseUnavailable, String(error));
      assert.equal(error.code, 'UNAVAILABLE');
      assert.ok(isRetryable(error));
      assert.ok(!error.commitUnknown);
      assert.doesNotMatch(`${error.stack} ${error.cause}`, /hunter2/);
    }
  });

  it('says that no connection became free in time', async () => {
    const db = open({ poolMax: 1, acquireTimeoutMs: 1_000 });
    const release = Promise.withResolvers<void>();
    const holder = db.transaction(() => release.promise);
    await eventually(() => assert.equal(db.primary.client.pool.numUsed(), 1));
    await assert.rejects(one(db.primary, 'SELECT 1'), DatabaseUnavailable);
    release.resolve();
    await holder;
    assert.deepEqual(await one(db.primary, 'SELECT 1 AS answer'), { answer: 1 });
  });

  it('survives its connections being killed: the transaction fails as unavailable, the next one works', async () => {
    const db = open();
    const killer = open();
    const kill = () =>
      execute(
        killer.primary,
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`,
      );
    const lost = db.transaction(async (tx) => {
      await execute(tx, `INSERT INTO accounts (name) VALUES ('lost')`);
      await kill();
      await execute(tx, `INSERT INTO accounts (name) VALUES ('lost too')`);
    });
    await assert.rejects(lost, DatabaseUnavailable);

    let attempts = 0;
    await db.transaction(
      async (tx) => {
        attempts += 1;
        if (attempts === 1) await kill();
        await execute(tx, `INSERT INTO accounts (name) VALUES ('retried')`);
      },
      { retries: 2 },
    );
    assert.equal(attempts, 2);
    assert.deepEqual(await rows(db.primary, `SELECT name FROM accounts WHERE name LIKE 'lost%' OR name = 'retried'`), [
      { name: 'retried' },
    ]);
  });

  it('says so when the outcome of a commit is unknown, and does not repeat the transaction', async () => {
    const db = open();
    const killer = open();
    let attempts = 0;
    const unknown = db.transaction(
      async (tx) => {
        attempts += 1;
        await execute(tx, `INSERT INTO accounts (name) VALUES ('unknown')`);
        await execute(
          killer.primary,
          `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'`,
        );
      },
      { retries: 5 },
    );
    await assert.rejects(unknown, (error) => error instanceof DatabaseUnavailable && error.commitUnknown);
    assert.equal(attempts, 1);
  });

  it('cancels a statement that takes too long', async () => {
    const db = open({ timeouts: { statementTimeoutMs: 50 } });
    await assert.rejects(
      one(db.primary, 'SELECT pg_sleep(5)'),
      (error) => sqlState(error) === SQLSTATE.queryCanceled && isRetryable(error),
    );
  });

  it('breaks off a connection that has gone silent, in a transaction too, and goes on with another', async () => {
    const proxy = await tcpProxy(server.primaryUrl);
    try {
      const db = open({ primaryUrl: proxy.url, replicaUrl: undefined, timeouts: { statementTimeoutMs: 50 } });
      await one(db.primary, 'SELECT 1');
      const inTransaction = db.transaction(async (tx) => {
        await one(tx, 'SELECT 1');
        proxy.stall();
        await one(tx, 'SELECT 2');
      });
      const outside = one(db.primary, 'SELECT 3');
      await Promise.all([inTransaction, outside].map((work) => assert.rejects(work, DatabaseUnavailable)));
      proxy.heal();
      assert.deepEqual(await one(db.primary, 'SELECT 4 AS found'), { found: 4 });
    } finally {
      await proxy.stop();
    }
  });

  it('lets the statements of a transaction take longer when told so, and only those', async () => {
    const db = open({ poolMax: 1, timeouts: { statementTimeoutMs: 50 } });
    await db.transaction((tx) => one(tx, 'SELECT pg_sleep(0.2)'), { statementTimeoutMs: 5_000 });
    await assert.rejects(one(db.primary, 'SELECT pg_sleep(5)'), (error) => sqlState(error) === SQLSTATE.queryCanceled);
  });

  it('counts connections and times transactions', async () => {
    const metrics = createMetrics('shop');
    const db = open({ metrics });
    const report = await db.transaction(() => metrics.registry.metrics());
    assert.match(report, /postgres_pool_connections\{pool="primary",state="in_use",service="shop"\} 1/);
    assert.match(report, /postgres_pool_connections\{pool="replica",state="pending",service="shop"\} 0/);
    await assert.rejects(db.transaction(() => Promise.reject(new Error('no'))));
    const after = await metrics.registry.metrics();
    assert.match(after, /postgres_transaction_seconds_count\{service="shop",outcome="committed"\} 1/);
    assert.match(after, /postgres_transaction_seconds_count\{service="shop",outcome="rolled_back"\} 1/);
  });
});
