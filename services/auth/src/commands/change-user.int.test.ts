import assert from 'node:assert/strict';
import { execute, one, rows } from '@punctual/postgres';
import { eventually } from '@punctual/testing';
import { ADDRESS, createFixture, type Fixture, PASSWORD } from '../../test/fixture.ts';
import { listUsers } from '../queries/users.ts';
import { changeProfile } from '../store/profiles.ts';
import { endSessionsOf } from '../store/sessions.ts';
import { deleteUser, updateUser } from './change-user.ts';
import { login } from './login.ts';
import { refresh } from './refresh.ts';
import { register } from './register.ts';

describe('changes of users', () => {
  let auth: Fixture;
  before(async () => {
    auth = await createFixture('auth-users');
  });
  after(() => auth.close());

  async function newUser(email: string, role: 'customer' | 'admin' = 'customer'): Promise<number> {
    await auth.registerAndVerify(email);
    await execute(auth.db.primary, 'UPDATE users SET role = :role WHERE email = :email AND deleted_at IS NULL', {
      role,
      email,
    });
    return idOf(email);
  }

  async function idOf(email: string): Promise<number> {
    const found = await one<{ id: number }>(
      auth.db.primary,
      'SELECT id FROM users WHERE email = :email AND deleted_at IS NULL',
      { email },
    );
    return found?.id ?? 0;
  }

  const tryLogin = (email: string) => login(auth.deps, { email, password: PASSWORD, address: ADDRESS });

  async function refreshTokenOf(email: string): Promise<string> {
    const result = await tryLogin(email);
    assert.ok(result.decision === 'let-in', result.decision);
    return result.tokens.refreshToken;
  }

  const tryRefresh = async (token: string) => (await refresh(auth.deps, token)).decision;
  const events = async (id: number, type: string) =>
    (
      await rows<{ payload: unknown }>(
        auth.db.primary,
        `SELECT payload FROM outbox WHERE type = :type AND routing_key = :key ORDER BY id`,
        { type, key: String(id) },
      )
    ).map(({ payload }) => payload);

  /** Leaves exactly these admins. */
  async function onlyAdmins(...ids: number[]): Promise<void> {
    await execute(auth.db.primary, `UPDATE users SET role = 'customer' WHERE role = 'admin' AND id <> ALL (:ids)`, {
      ids,
    });
  }

  it('keeps what is not stated, takes away what is null, and says so once', async () => {
    const id = await newUser('profile@punctual.test');
    const me = { actorId: id, targetId: id };
    await updateUser(auth.deps, me, { firstName: 'Ada', lastName: 'Lovelace' });
    const result = await updateUser(auth.deps, me, { lastName: null });
    assert.ok(result.decision === 'updated');
    assert.deepEqual([result.profile.firstName, result.profile.lastName], ['Ada', null]);
    assert.equal((await updateUser(auth.deps, me, { firstName: 'Ada' })).decision, 'updated');
    const said = await events(id, 'user.updated');
    assert.equal(said.length, 2, 'an update that changes nothing is no event');
    assert.deepEqual(said.at(-1), { user_id: id, active: true, updated_at: result.profile.updatedAt.toISOString() });
  });

  it('ends every session of who is deactivated, and brings none of them back', async () => {
    const email = 'off-and-on@punctual.test';
    const id = await newUser(email);
    const adminId = await newUser('switch@punctual.test', 'admin');
    const token = await refreshTokenOf(email);
    const turn = (active: boolean) => updateUser(auth.deps, { actorId: adminId, targetId: id }, { active });
    await turn(false);
    assert.equal((await tryLogin(email)).decision, 'deactivated');
    assert.equal(await tryRefresh(token), 'refused');
    await turn(true);
    assert.equal(await tryRefresh(token), 'refused');
    assert.equal((await tryLogin(email)).decision, 'let-in');
  });

  it('lets no login slip in behind a deactivation that is about to commit', async () => {
    const email = 'struck@punctual.test';
    const id = await newUser(email);
    let isOver = false;
    const attempt = await auth.db.transaction(async (tx) => {
      await changeProfile(tx, id, { active: false });
      await endSessionsOf(tx, id, 'deactivated');
      const running = tryLogin(email).finally(() => {
        isOver = true;
      });
      await eventually(async () => {
        const waiting = await one(
          auth.db.primary,
          `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
        );
        assert.ok(isOver || waiting !== undefined, 'the login has not come to the point yet');
      });
      return { running };
    });
    assert.equal((await attempt.running).decision, 'deactivated');
    const alive = await one(
      auth.db.primary,
      'SELECT count(*)::int AS count FROM sessions WHERE user_id = :id AND revoked_at IS NULL',
      { id },
    );
    assert.deepEqual(alive, { count: 0 });
  });

  it('deletes once under parallel requests, ends the sessions and says it once', async () => {
    const email = 'gone@punctual.test';
    const id = await newUser(email);
    const token = await refreshTokenOf(email);
    const results = await Promise.all(
      Array.from({ length: 20 }, () => deleteUser(auth.deps, { actorId: id, targetId: id })),
    );
    assert.deepEqual(results.filter((result) => result === 'deleted').length, 1);
    assert.ok(results.every((result) => result === 'deleted' || result === 'not-found'));
    assert.equal(await tryRefresh(token), 'refused');
    assert.equal((await tryLogin(email)).decision, 'invalid-credentials');
    assert.equal((await events(id, 'user.deleted')).length, 1);
  });

  it('frees the address for one new user, whoever comes at the same time, and the old sessions stay dead', async () => {
    const email = 'again@punctual.test';
    const firstId = await newUser(email);
    const token = await refreshTokenOf(email);
    await deleteUser(auth.deps, { actorId: firstId, targetId: firstId });
    await Promise.all(Array.from({ length: 10 }, () => register(auth.deps, { email, password: PASSWORD })));
    const living = await rows<{ id: number }>(
      auth.db.primary,
      'SELECT id FROM users WHERE email = :email AND deleted_at IS NULL',
      { email },
    );
    assert.equal(living.length, 1);
    assert.notEqual(living[0]?.id, firstId);
    assert.equal(await tryRefresh(token), 'refused');
    assert.equal((await auth.codesFor(email)).length, 2, 'the new user was mailed one code');
  });

  it('keeps one admin when all admins delete each other at once', async () => {
    const ids = await Promise.all([1, 2, 3, 4].map((number) => newUser(`admin${number}@punctual.test`, 'admin')));
    await onlyAdmins(...ids);
    const results = await Promise.all(
      ids.map((actorId, index) => deleteUser(auth.deps, { actorId, targetId: ids[(index + 1) % ids.length] ?? 0 })),
    );
    const left = await rows(
      auth.db.primary,
      `SELECT id FROM users WHERE role = 'admin' AND active AND deleted_at IS NULL`,
    );
    assert.ok(left.length >= 1, results.join());
  });

  it('keeps one admin when two deactivate themselves at once', async () => {
    for (let round = 0; round < 5; round += 1) {
      const ids = await Promise.all(['a', 'b'].map((name) => newUser(`self-${name}${round}@punctual.test`, 'admin')));
      await onlyAdmins(...ids);
      const results = await Promise.all(
        ids.map((id) => updateUser(auth.deps, { actorId: id, targetId: id }, { active: false })),
      );
      assert.deepEqual(results.map(({ decision }) => decision).sort(), ['last-admin', 'updated']);
    }
  });

  it('does not count an admin who cannot log in', async () => {
    const id = await newUser('sole@punctual.test', 'admin');
    const unverified = await newUser('never-verified@punctual.test', 'admin');
    await onlyAdmins(id, unverified);
    await execute(auth.db.primary, 'UPDATE users SET verified_at = NULL WHERE id = :unverified', { unverified });
    assert.equal(await deleteUser(auth.deps, { actorId: id, targetId: id }), 'last-admin');
  });

  it('searches literally, in address and name, and pages by id', async () => {
    const names = ['100% cotton', '100 cotton', 'under_score', 'underXscore', 'back\\slash', "Robert'); DROP"];
    const ids: number[] = [];
    for (const [index, name] of names.entries()) {
      const id = await newUser(`literal${index}@search.test`);
      await updateUser(auth.deps, { actorId: id, targetId: id }, { firstName: name, lastName: 'Weaver' });
      ids.push(id);
    }
    const search = async (text: string) =>
      (await listUsers(auth.db, { search: text, limit: 20, offset: 0 })).profiles.map(({ firstName }) => firstName);
    assert.deepEqual(await search('100%'), ['100% cotton']);
    assert.deepEqual(await search('r_s'), ['under_score']);
    assert.deepEqual(await search('k\\s'), ['back\\slash']);
    assert.deepEqual(await search("t'); drop weav"), ["Robert'); DROP"]);
    assert.deepEqual(await search('LITERAL3@'), ['underXscore']);
    assert.deepEqual(await search('\\'), ['back\\slash']);
    const pages = await Promise.all(
      [1, 2, 3].map((page) =>
        listUsers(auth.db, { search: '@search.test', active: true, limit: 2, offset: (page - 1) * 2 }),
      ),
    );
    assert.deepEqual(
      pages.flatMap(({ profiles }) => profiles.map(({ id }) => id)),
      ids,
    );
    assert.deepEqual(
      pages.map(({ total }) => total),
      [6, 6, 6],
    );
    assert.equal((await listUsers(auth.db, { search: '@search.test', active: false, limit: 2, offset: 0 })).total, 0);
  });
});
