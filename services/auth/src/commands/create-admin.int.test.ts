import assert from 'node:assert/strict';
import { createFixture, type Fixture, PASSWORD } from '../../test/fixture.ts';
import { DEMO_ACCOUNTS } from '../domain/demo-accounts.ts';
import { AdminRefused, createAdmin } from './create-admin.ts';
import { login } from './login.ts';
import { refresh } from './refresh.ts';
import { register } from './register.ts';

const NEW_PASSWORD = 'a password for admins';

describe('createAdmin', () => {
  let auth: Fixture;
  before(async () => {
    auth = await createFixture('auth-admins');
  });
  after(() => auth.close());

  const create = (email: string, password?: string, demoLoginsAllowed = true) =>
    createAdmin({ ...auth.deps, demoLoginsAllowed }, { email, password });

  async function roleAfterLogin(email: string, password: string): Promise<string> {
    const result = await login(auth.deps, { email, password, address: '203.0.113.7' });
    if (result.decision !== 'let-in') return result.decision;
    const [, payload = ''] = result.tokens.accessToken.split('.');
    return JSON.parse(Buffer.from(payload, 'base64url').toString()).role;
  }

  it('adds a verified admin, and says that there is one', async () => {
    const email = 'new-admin@punctual.test';
    assert.equal(await create(` ${email.toUpperCase()}`, NEW_PASSWORD), 'created');
    assert.equal(await roleAfterLogin(email, NEW_PASSWORD), 'admin');
    assert.equal(await auth.eventsOf('user.created', email), 1);
    assert.equal(await auth.eventsOf('user.verified', email), 1);
    assert.equal(await create(email), 'is-admin');
  });

  it('promotes a user who keeps the password and the sessions', async () => {
    const email = 'promoted@punctual.test';
    await auth.registerAndVerify(email);
    const session = await login(auth.deps, { email, password: PASSWORD, address: '203.0.113.7' });
    assert.equal(await create(email), 'promoted');
    assert.equal(await roleAfterLogin(email, PASSWORD), 'admin');
    assert.ok(session.decision === 'let-in');
    assert.equal((await refresh(auth.deps, session.tokens.refreshToken)).decision, 'refreshed');
  });

  it('gives a promoted user a new password, which ends the sessions', async () => {
    const email = 'renewed@punctual.test';
    await auth.registerAndVerify(email);
    const session = await login(auth.deps, { email, password: PASSWORD, address: '203.0.113.7' });
    assert.equal(await create(email, NEW_PASSWORD), 'promoted');
    assert.equal(await roleAfterLogin(email, PASSWORD), 'invalid-credentials');
    assert.equal(await roleAfterLogin(email, NEW_PASSWORD), 'admin');
    assert.ok(session.decision === 'let-in');
    assert.equal((await refresh(auth.deps, session.tokens.refreshToken)).decision, 'refused');
  });

  it('does not hand an admin over to whoever registered the address first', async () => {
    const email = 'squatted@punctual.test';
    await register(auth.deps, { email, password: PASSWORD });
    await assert.rejects(create(email), /never verified/);
    assert.equal(await create(email, NEW_PASSWORD), 'promoted');
    assert.equal(await roleAfterLogin(email, PASSWORD), 'invalid-credentials');
  });

  it('makes one admin when asked twenty times at once', async () => {
    const email = 'once@punctual.test';
    const results = await Promise.allSettled(Array.from({ length: 20 }, () => create(email, NEW_PASSWORD)));
    assert.equal(results.filter((result) => result.status === 'fulfilled' && result.value === 'created').length, 1);
    assert.equal(await auth.eventsOf('user.created', email), 1);
  });

  const [demo] = DEMO_ACCOUNTS;
  const refusals: [string, string, string | undefined, RegExp][] = [
    ['no address', 'nobody', NEW_PASSWORD, /no e-mail address/],
    ['a short password', 'short@punctual.test', 'short', /10 to 128/],
    ['a new user without a password', 'absent@punctual.test', undefined, /There is no user/],
    ['a published password in production', demo?.email ?? '', demo?.password, /published/],
  ];
  for (const [what, email, password, message] of refusals) {
    it(`refuses ${what} in words`, async () => {
      await assert.rejects(create(email, password, false), (error) => {
        assert.ok(error instanceof AdminRefused);
        assert.match(error.message, message);
        return true;
      });
    });
  }
});
