import assert from 'node:assert/strict';
import { createDatabase, type Database, execute } from '@punctual/postgres';
import { silentLogger } from '@punctual/telemetry';
import { type TestDatabase, testDatabase } from '@punctual/testing';
import { ADDRESS, createFixture, type Fixture, PASSWORD, WRONG_PASSWORD } from '../../test/fixture.ts';
import { DEMO_ACCOUNTS } from '../domain/demo-accounts.ts';
import { migrations } from '../store/migrations.ts';
import { findCredentials } from '../store/users.ts';
import { login } from './login.ts';
import { register } from './register.ts';
import { seed } from './seed.ts';

/** A database of its own stands in for the replica: it shows exactly what the test puts there, as stale as can be. */
describe('login', () => {
  let auth: Fixture;
  let replicaDatabase: TestDatabase;
  let replica: Database;
  before(async () => {
    replicaDatabase = await testDatabase('auth-login-replica', migrations);
    auth = await createFixture('auth-login', { replicaUrl: replicaDatabase.primaryUrl });
    replica = createDatabase({
      primaryUrl: replicaDatabase.primaryUrl,
      applicationName: 'auth',
      logger: silentLogger(),
    });
  });
  after(async () => {
    await replica.close();
    await auth.close();
    await replicaDatabase.drop();
  });

  const tryLogin = async (email: string, password = PASSWORD) =>
    (await login(auth.deps, { email, password, address: ADDRESS })).decision;

  async function replicate(email: string): Promise<void> {
    const user = await findCredentials(auth.db.primary, email);
    assert.ok(user !== undefined);
    await execute(
      replica.primary,
      `INSERT INTO users (id, email, password_hash, role, verified_at)
       VALUES (:id, :email, :passwordHash, :role, CASE WHEN :verified THEN now() END)`,
      { id: user.userId, email, passwordHash: user.passwordHash, role: user.role, verified: user.verified },
    );
  }

  it('lets in whom the replica shows as the primary knows them', async () => {
    await auth.registerAndVerify('usual@punctual.test');
    await replicate('usual@punctual.test');
    assert.equal(await tryLogin('usual@punctual.test'), 'let-in');
    assert.equal(await tryLogin('usual@punctual.test', WRONG_PASSWORD), 'invalid-credentials');
  });

  it('lets in who has just verified, though the replica has never heard of them', async () => {
    await auth.registerAndVerify('fresh@punctual.test');
    assert.equal(await tryLogin('fresh@punctual.test'), 'let-in');
    assert.equal(await tryLogin('fresh@punctual.test', WRONG_PASSWORD), 'invalid-credentials');
  });

  it('lets in who has just verified, though the replica shows them as not verified', async () => {
    const email = 'lagging@punctual.test';
    await auth.registerAndVerify(email);
    await replicate(email);
    await execute(replica.primary, 'UPDATE users SET verified_at = NULL WHERE email = :email', { email });
    assert.equal(await tryLogin(email), 'let-in');
  });

  it('tells who knows the password, and nobody else, that the address is not verified', async () => {
    const email = 'unverified@punctual.test';
    await register(auth.deps, { email, password: PASSWORD });
    assert.equal(await tryLogin(email), 'not-verified');
    assert.equal(await tryLogin(email, WRONG_PASSWORD), 'invalid-credentials');
  });

  it('refuses an old password that the replica still shows, and takes the new one', async () => {
    const email = 'changed@punctual.test';
    await auth.registerAndVerify(email);
    await replicate(email);
    const passwordHash = await auth.deps.passwords.hash('a new password');
    await execute(auth.db.primary, 'UPDATE users SET password_hash = :passwordHash WHERE email = :email', {
      passwordHash,
      email,
    });
    assert.equal(await tryLogin(email), 'invalid-credentials');
    assert.equal(await tryLogin(email, 'a new password'), 'let-in');
  });

  it('refuses a user who is deleted on the primary and still there on the replica', async () => {
    const email = 'deleted@punctual.test';
    await auth.registerAndVerify(email);
    await replicate(email);
    await execute(auth.db.primary, 'UPDATE users SET deleted_at = now() WHERE email = :email', { email });
    assert.equal(await tryLogin(email), 'invalid-credentials');
  });

  it('refuses an unknown address', async () => {
    assert.equal(await tryLogin('nobody@punctual.test'), 'invalid-credentials');
  });

  it('tells who knows the password, and nobody else, that the user is deactivated, whatever the replica shows', async () => {
    const email = 'inactive@punctual.test';
    await auth.registerAndVerify(email);
    await replicate(email);
    await execute(auth.db.primary, 'UPDATE users SET active = false WHERE email = :email', { email });
    assert.equal(await tryLogin(email), 'deactivated');
    assert.equal(await tryLogin(email, WRONG_PASSWORD), 'invalid-credentials');
  });

  it('goes to the primary when the replica is away', async () => {
    await auth.registerAndVerify('alone@punctual.test');
    const db = createDatabase({
      primaryUrl: auth.db.primary.client.config.connection.connectionString ?? '',
      replicaUrl: 'postgres://127.0.0.1:1/nothing',
      applicationName: 'auth',
      logger: silentLogger(),
    });
    try {
      const result = await login(
        { ...auth.deps, db },
        { email: 'alone@punctual.test', password: PASSWORD, address: ADDRESS },
      );
      assert.equal(result.decision, 'let-in');
    } finally {
      await db.close();
    }
  });

  it('opens the demo accounts after a seed, which may be repeated, except in production', async () => {
    assert.deepEqual(
      await seed(auth.deps),
      DEMO_ACCOUNTS.map((account) => account.email),
    );
    assert.deepEqual(await seed(auth.deps), []);
    for (const { email, password } of DEMO_ACCOUNTS) {
      assert.equal(await tryLogin(email, password), 'let-in');
      const result = await login({ ...auth.deps, demoLoginsAllowed: false }, { email, password, address: ADDRESS });
      assert.equal(result.decision, 'invalid-credentials');
    }
  });
});
