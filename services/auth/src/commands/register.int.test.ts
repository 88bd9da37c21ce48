import assert from 'node:assert/strict';
import { mailJobs } from '@punctual/contracts';
import { one, rows } from '@punctual/postgres';
import { createFixture, type Fixture, PASSWORD, WRONG_PASSWORD } from '../../test/fixture.ts';
import { findCredentials } from '../store/users.ts';
import { register } from './register.ts';

describe('register', () => {
  let auth: Fixture;
  before(async () => {
    auth = await createFixture('auth-register');
  });
  after(() => auth.close());

  it('writes the user, the event and the mail job together', async () => {
    const email = 'new@punctual.test';
    const user = await register(auth.deps, { email, password: PASSWORD });
    assert.equal(user.verified, false);
    const stored = await findCredentials(auth.db.primary, email);
    assert.deepEqual([stored?.userId, stored?.role, stored?.verified], [user.id, 'customer', false]);
    const said = await rows<{ transport: string; type: string; routing_key: string; payload: Record<string, unknown> }>(
      auth.db.primary,
      `SELECT transport, type, routing_key, payload FROM outbox
       WHERE payload->>'to' = :email OR payload->>'email' = :email ORDER BY id`,
      { email },
    );
    assert.deepEqual(
      said.map(({ transport, type, routing_key }) => [transport, type, routing_key]),
      [
        ['kafka', 'user.created', String(user.id)],
        ['rabbit', 'mail.verification', 'mail.verification'],
      ],
    );
    const job = mailJobs['mail.verification'].parse(said[1]?.payload);
    assert.match(job.intent, /^verification:\d+:\d+$/);
    assert.equal(job.not_after, job.expires_at);
  });

  it('keeps the password as argon2id with 19 MiB, two passes, one lane', async () => {
    const email = 'hashed@punctual.test';
    await register(auth.deps, { email, password: PASSWORD });
    const stored = await findCredentials(auth.db.primary, email);
    assert.match(stored?.passwordHash ?? '', /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  });

  it('answers a known address alike, with an id of nobody, and leaves the password as it was', async () => {
    const email = 'known@punctual.test';
    const first = await register(auth.deps, { email, password: PASSWORD });
    const before = await findCredentials(auth.db.primary, email);
    const second = await register(auth.deps, { email, password: WRONG_PASSWORD });
    assert.deepEqual({ ...second, id: 0 }, { ...first, id: 0 });
    assert.ok(second.id > first.id);
    const owner = await one(auth.db.primary, 'SELECT id FROM users WHERE id = :id', { id: second.id });
    assert.equal(owner, undefined);
    assert.deepEqual(await findCredentials(auth.db.primary, email), before);
    assert.equal((await auth.codesFor(email)).length, 1);
    assert.equal(await auth.eventsOf('user.created', email), 1);
  });

  it('sends a new code to a known address that is not verified, at most once a minute', async () => {
    const email = 'again@punctual.test';
    await register(auth.deps, { email, password: PASSWORD });
    await auth.letPass(email, '61 seconds');
    await register(auth.deps, { email, password: PASSWORD });
    await register(auth.deps, { email, password: PASSWORD });
    assert.equal((await auth.codesFor(email)).length, 2);
  });

  it('sends nothing to an address that is verified', async () => {
    const email = 'verified@punctual.test';
    await auth.registerAndVerify(email);
    await auth.letPass(email, '61 seconds');
    await register(auth.deps, { email, password: PASSWORD });
    assert.equal((await auth.codesFor(email)).length, 1);
  });

  it('makes one user and one mail of twenty parallel registrations', async () => {
    const email = 'parallel@punctual.test';
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => register(auth.deps, { email, password: PASSWORD })),
    );
    assert.equal(new Set(answers.map((answer) => answer.id)).size, 20);
    assert.equal(await auth.eventsOf('user.created', email), 1);
    assert.equal((await auth.codesFor(email)).length, 1);
  });
});
