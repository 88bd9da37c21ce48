import assert from 'node:assert/strict';
import { createDatabase, type Database, migrateDown, migrateUp, rows } from '@punctual/postgres';
import { silentLogger } from '@punctual/telemetry';
import { type TestDatabase, testDatabase } from '@punctual/testing';
import { migrations } from './migrations.ts';

/** `0003-profiles` and `0004-throttles`, by which deleted users came to share their addresses, and what came after them. */
const STEPS = 3;

describe('migrations', () => {
  let database: TestDatabase;
  let db: Database;
  before(async () => {
    database = await testDatabase('auth-migrations', migrations);
    db = createDatabase({ primaryUrl: database.primaryUrl, applicationName: 'auth-test', logger: silentLogger() });
  });
  after(async () => {
    await db.close();
    await database.drop();
  });

  it('go down although an address had several users, keep the living one, and go up again', async () => {
    await db.primary.raw(`
      INSERT INTO users (email, password_hash, deleted_at) VALUES
        ('twice@punctual.test', 'a', now()), ('twice@punctual.test', 'b', now()), ('twice@punctual.test', 'c', NULL),
        ('gone@punctual.test', 'd', now()), ('gone@punctual.test', 'e', now())`);
    await db.primary.raw(`
      INSERT INTO sessions (user_id, revoked_at, revoked_reason)
      SELECT id, now(), 'deleted' FROM users WHERE password_hash = 'e'`);
    await migrateDown(db, migrations, { steps: STEPS });
    const kept = await rows<{ hash: string }>(db.primary, 'SELECT password_hash AS hash FROM users ORDER BY id');
    assert.deepEqual(
      kept.map(({ hash }) => hash),
      ['c', 'e'],
    );
    await migrateUp(db, migrations);
    const active = await rows(db.primary, 'SELECT DISTINCT active, first_name FROM users');
    assert.deepEqual(active, [{ active: true, first_name: null }]);
  });
});
