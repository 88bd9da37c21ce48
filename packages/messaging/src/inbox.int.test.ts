import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createDatabase, type Database, rows } from '@punctual/postgres';
import { silentLogger } from '@punctual/telemetry';
import { eventually, type TestDatabase, testDatabase } from '@punctual/testing';
import type { Envelope } from './envelope.ts';
import { filterNew } from './inbox.ts';
import { createInboxPruner } from './inbox-pruner.ts';
import { messagingMigrations } from './migrations.ts';

function envelope(id: string = randomUUID()): Envelope {
  return { id, type: 't', source: '/s', subject: 'x', time: 'now', data: {}, attempt: 1 };
}

describe('the inbox', () => {
  let database: TestDatabase;
  let db: Database;

  before(async () => {
    database = await testDatabase('inbox', messagingMigrations);
    db = createDatabase({ primaryUrl: database.primaryUrl, applicationName: 'inbox', logger: silentLogger() });
  });
  after(async () => {
    await db.close();
    await database.drop();
  });

  const filter = (consumer: string, batch: Envelope[]) => db.transaction((tx) => filterNew(tx, consumer, batch));

  it('returns each message once per consumer, in order, also from within one batch', async () => {
    const [a, b, c] = [envelope(), envelope(), envelope()];
    assert.deepEqual(await filter('one', [b, a, b]), [b, a]);
    assert.deepEqual(await filter('one', [a, c, b]), [c]);
    assert.deepEqual(await filter('two', [a]), [a]);
    assert.deepEqual(await filter('one', []), []);
  });

  it('forgets a message whose effect was rolled back', async () => {
    const message = envelope();
    const failing = db.transaction(async (tx) => {
      await filterNew(tx, 'one', [message]);
      throw new Error('effect failed');
    });
    await assert.rejects(failing, /effect failed/);
    assert.deepEqual(await filter('one', [message]), [message]);
  });

  it('lets twenty overlapping batches through at once, each message to exactly one, without a deadlock', async () => {
    const messages = Array.from({ length: 50 }, () => envelope());
    const shuffled = (seed: number) => messages.map((_, index) => messages[(index * 7 + seed * 13) % 50] ?? envelope());
    const results = await Promise.all(Array.from({ length: 20 }, (_, seed) => filter('race', shuffled(seed))));
    assert.deepEqual(
      results
        .flat()
        .map(({ id }) => id)
        .sort(),
      messages.map(({ id }) => id).sort(),
    );
  });

  it('is pruned of what is older than the retention, in batches, and of nothing else', async () => {
    await db.primary.raw(`
      INSERT INTO inbox (consumer, event_id, at)
      SELECT 'old', n::text, now() - n * interval '1 hour' FROM generate_series(1, 48) AS n`);
    const pruner = createInboxPruner({ db, logger: silentLogger(), retentionMs: 24.5 * 3_600_000, batch: 10 });
    await pruner.start();
    await eventually(async () => {
      assert.equal((await rows(db.primary, "SELECT FROM inbox WHERE consumer = 'old'")).length, 24);
    });
    await pruner.stop();
  });
});
