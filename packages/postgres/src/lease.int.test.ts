import assert from 'node:assert/strict';
import { silentLogger } from '@punctual/telemetry';
import { eventually, type TestDatabase, testDatabase } from '@punctual/testing';
import { createDatabase, type Database } from './database.ts';
import { acquireLease, type Lease, leaseMigrations } from './lease.ts';
import { leased } from './leased.ts';
import { execute, one } from './query.ts';

const SHORT_MS = 300;
const LONG_MS = 60_000;

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve());
  });
}

describe('leases', () => {
  let server: TestDatabase;
  let db: Database;
  let held: Lease[] = [];

  async function acquire(name: string, ttlMs: number): Promise<Lease | undefined> {
    const lease = await acquireLease(db, name, { ttlMs });
    if (lease !== undefined) held.push(lease);
    return lease;
  }

  before(async () => {
    server = await testDatabase('lease', leaseMigrations);
    db = createDatabase({ primaryUrl: server.primaryUrl, applicationName: 'shop', logger: silentLogger() });
  });
  afterEach(async () => {
    await Promise.all(held.map((lease) => lease.release()));
    held = [];
  });
  after(async () => {
    await db.close();
    await server.drop();
  });

  it('goes to exactly one of many who ask at once', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => acquire('relay', LONG_MS)));
    assert.equal(answers.filter((lease) => lease !== undefined).length, 1);
  });

  it('is free again as soon as it is released', async () => {
    const lease = await acquire('relay', LONG_MS);
    assert.equal(lease?.isHeld(), true);
    assert.equal(await acquire('relay', LONG_MS), undefined);
    await lease?.release();
    assert.equal(lease?.isHeld(), false);
    assert.equal(lease?.signal.aborted, true);
    assert.ok(await acquire('relay', LONG_MS));
  });

  it('is renewed for longer than its life', async () => {
    const lease = await acquire('relay', SHORT_MS);
    const first = await one<{ at: Date }>(db.primary, `SELECT expires_at AS at FROM leases WHERE name = 'relay'`);
    await eventually(async () => {
      const row = await one<{ extended: boolean }>(
        db.primary,
        `SELECT expires_at > :first::timestamptz + :life * interval '1 millisecond' AS extended FROM leases WHERE name = 'relay'`,
        { first: first?.at ?? null, life: 2 * SHORT_MS },
      );
      assert.equal(row?.extended, true);
      assert.equal(await acquire('relay', SHORT_MS), undefined);
    });
    assert.equal(lease?.isHeld(), true);
  });

  it('passes to another when its holder is gone, and not before it has run out', async () => {
    await execute(
      db.primary,
      `INSERT INTO leases VALUES ('crashed', gen_random_uuid(), now() + interval '300 milliseconds') RETURNING expires_at`,
    );
    assert.equal(await acquire('crashed', LONG_MS), undefined);
    const lease = await eventually(async () => {
      const taken = await acquire('crashed', LONG_MS);
      assert.ok(taken);
      return taken;
    });
    assert.ok(lease.isHeld());
  });

  it('is lost for good when another has taken it', async () => {
    const lease = await acquire('relay', SHORT_MS);
    assert.ok(lease);
    await execute(db.primary, `UPDATE leases SET holder = gen_random_uuid() WHERE name = 'relay'`);
    await aborted(lease.signal);
    assert.equal(lease.isHeld(), false);
    await execute(db.primary, `DELETE FROM leases WHERE name = 'relay'`);
  });

  it('is not believed in while the database cannot be reached, before another may take it', async () => {
    const cut = createDatabase({ primaryUrl: server.primaryUrl, applicationName: 'shop', logger: silentLogger() });
    const lease = await acquireLease(cut, 'cut', { ttlMs: SHORT_MS });
    assert.ok(lease);
    await cut.close();
    await aborted(lease.signal);
    const row = await one<{ free: boolean }>(
      db.primary,
      `SELECT expires_at <= now() AS free FROM leases WHERE name = 'cut'`,
    );
    assert.equal(row?.free, false);
    await lease.release();
  });
});

describe('leased work', () => {
  let server: TestDatabase;
  let db: Database;

  before(async () => {
    server = await testDatabase('leased', leaseMigrations);
    db = createDatabase({ primaryUrl: server.primaryUrl, applicationName: 'shop', logger: silentLogger() });
  });
  after(async () => {
    await db.close();
    await server.drop();
  });

  it('runs in one of several processes, and moves to the next when that one stops', async () => {
    let running = 0;
    let most = 0;
    const workers = Array.from({ length: 3 }, () =>
      leased({
        db,
        name: 'sweeper',
        ttlMs: SHORT_MS,
        logger: silentLogger(),
        async run({ signal }) {
          running += 1;
          most = Math.max(most, running);
          await aborted(signal);
          running -= 1;
        },
      }),
    );
    await Promise.all(workers.map((worker) => worker.start()));
    for (const _turn of workers) {
      const holder = await eventually(() => {
        const found = workers.find((worker) => worker.isHeld());
        assert.ok(found);
        return found;
      });
      await eventually(() => assert.equal(running, 1));
      await holder.stop();
    }
    assert.equal(running, 0);
    assert.equal(most, 1);
  });

  it('starts again after its work has failed', async () => {
    let runs = 0;
    const worker = leased({
      db,
      name: 'failing',
      ttlMs: SHORT_MS,
      logger: silentLogger(),
      async run({ signal }) {
        runs += 1;
        if (runs < 3) throw new Error('failed');
        await aborted(signal);
      },
    });
    await worker.start();
    await eventually(() => assert.equal(runs, 3));
    await worker.stop();
  });
});
