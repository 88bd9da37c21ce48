import assert from 'node:assert/strict';
import { execute } from '@punctual/postgres';
import { createFixture, type Fixture } from '../../test/fixture.ts';
import { register } from '../commands/register.ts';
import { getUser, getUsers, MAX_USERS, scopeOf } from './users.ts';

describe('users by their ids', () => {
  let auth: Fixture;
  const ids: number[] = [];

  before(async () => {
    auth = await createFixture('auth-user-queries');
    for (const name of ['ann', 'ben', 'gone']) {
      ids.push((await register(auth.deps, { email: `${name}@ids.test`, password: 'correct horse battery' })).id);
    }
    await execute(auth.db.primary, `UPDATE users SET deleted_at = now() WHERE email = 'gone@ids.test'`);
  });
  after(() => auth.close());

  const admin = scopeOf({ userId: 1_000_000, role: 'admin' });
  const found = async (wanted: readonly number[], scope: Parameters<typeof getUsers>[2]) =>
    (await getUsers(auth.db, wanted, scope)).map(({ id }) => id).sort((one, other) => one - other);

  it('are all there are for an admin, each once, however often it is asked for', async () => {
    assert.deepEqual(await found([...ids, ...ids, 999_999_999], admin), ids.slice(0, 2));
    assert.deepEqual(await found([], admin), []);
    assert.equal((await getUser(auth.db, ids[1] ?? 0, admin))?.email, 'ben@ids.test');
  });

  it('are oneself alone for a customer', async () => {
    const ann = scopeOf({ userId: ids[0] ?? 0, role: 'customer' });
    assert.deepEqual(await found(ids, ann), [ids[0]]);
    assert.deepEqual(await found([ids[1] ?? 0], ann), []);
    assert.equal(await getUser(auth.db, ids[1] ?? 0, ann), undefined);
    assert.equal((await getUser(auth.db, ids[0] ?? 0, ann))?.id, ids[0]);
  });

  it('are so many at once and no more', async () => {
    assert.deepEqual(
      await found(
        Array.from({ length: MAX_USERS }, (_, index) => index + 1),
        admin,
      ),
      ids.slice(0, 2),
    );
    const tooMany = Array.from({ length: MAX_USERS + 1 }, (_, index) => index + 1);
    await assert.rejects(getUsers(auth.db, tooMany, admin), RangeError);
  });
});
