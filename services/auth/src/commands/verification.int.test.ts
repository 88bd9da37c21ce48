import assert from 'node:assert/strict';
import { rows } from '@punctual/postgres';
import { ADDRESS, createFixture, type Fixture, otherCode, PASSWORD } from '../../test/fixture.ts';
import { register } from './register.ts';
import { resendVerification } from './resend-verification.ts';
import { verify } from './verify.ts';

describe('verification codes', () => {
  let auth: Fixture;
  before(async () => {
    auth = await createFixture('auth-codes');
  });
  after(() => auth.close());

  const guess = async (email: string, code: string) =>
    (await verify(auth.deps, { email, code, address: ADDRESS })).decision === 'verified';

  it('verifies a user once, with the code from the mail', async () => {
    const email = 'once@punctual.test';
    await register(auth.deps, { email, password: PASSWORD });
    const code = await auth.codeFor(email);
    assert.equal(await guess(email, code), true);
    assert.equal(await auth.eventsOf('user.verified', email), 1);
    assert.equal(await guess(email, code), false);
    assert.equal(await auth.eventsOf('user.verified', email), 1);
  });

  it('lets one of twenty parallel right guesses win', async () => {
    const email = 'race@punctual.test';
    await register(auth.deps, { email, password: PASSWORD });
    const code = await auth.codeFor(email);
    const results = await Promise.all(Array.from({ length: 20 }, () => guess(email, code)));
    assert.equal(results.filter(Boolean).length, 1);
    assert.equal(await auth.eventsOf('user.verified', email), 1);
  });

  it('looks at five guesses of fifty parallel ones, and the right code is dead after them', async () => {
    const email = 'guessed@punctual.test';
    await register(auth.deps, { email, password: PASSWORD });
    const code = await auth.codeFor(email);
    const results = await Promise.all(Array.from({ length: 50 }, () => guess(email, otherCode(code))));
    assert.deepEqual(new Set(results), new Set([false]));
    const codes = await rows<{ left: number }>(
      auth.db.primary,
      `SELECT tries_left AS left FROM verification_codes JOIN users ON users.id = user_id WHERE email = :email`,
      { email },
    );
    assert.deepEqual(codes, [{ left: 0 }]);
    assert.equal(await guess(email, code), false);
  });

  it('takes the right code as the fifth guess', async () => {
    const email = 'fifth@punctual.test';
    await register(auth.deps, { email, password: PASSWORD });
    const code = await auth.codeFor(email);
    for (let tries = 0; tries < 4; tries += 1) assert.equal(await guess(email, otherCode(code)), false);
    assert.equal(await guess(email, code), true);
  });

  it('takes a code after 9:59 and refuses it after 10:01', async () => {
    const [inTime, late] = ['in-time@punctual.test', 'late@punctual.test'];
    await register(auth.deps, { email: inTime, password: PASSWORD });
    await register(auth.deps, { email: late, password: PASSWORD });
    await auth.letPass(inTime, '9 minutes 50 seconds');
    await auth.letPass(late, '10 minutes 1 second');
    assert.equal(await guess(inTime, await auth.codeFor(inTime)), true);
    assert.equal(await guess(late, await auth.codeFor(late)), false);
  });

  it('refuses an older code once a newer one was sent', async () => {
    const email = 'older@punctual.test';
    await register(auth.deps, { email, password: PASSWORD });
    await auth.letPass(email, '61 seconds');
    assert.equal(await resendVerification(auth.deps, email), 'send');
    const [older, newer] = await auth.codesFor(email);
    assert.ok(older !== undefined && newer !== undefined);
    if (older !== newer) assert.equal(await guess(email, older), false);
    assert.equal(await guess(email, newer), true);
  });

  it('refuses codes of another user and of nobody', async () => {
    await register(auth.deps, { email: 'mine@punctual.test', password: PASSWORD });
    await register(auth.deps, { email: 'yours@punctual.test', password: PASSWORD });
    const mine = await auth.codeFor('mine@punctual.test');
    if (mine !== (await auth.codeFor('yours@punctual.test')))
      assert.equal(await guess('yours@punctual.test', mine), false);
    assert.equal(await guess('nobody@punctual.test', mine), false);
  });

  it('answers fifty parallel resends with one mail', async () => {
    const email = 'fifty@punctual.test';
    await register(auth.deps, { email, password: PASSWORD });
    await auth.letPass(email, '61 seconds');
    const outcomes = await Promise.all(Array.from({ length: 50 }, () => resendVerification(auth.deps, email)));
    assert.equal(outcomes.filter((outcome) => outcome === 'send').length, 1);
    assert.equal(outcomes.filter((outcome) => outcome === 'cooling-down').length, 49);
    assert.equal((await auth.codesFor(email)).length, 2);
  });

  it('sends five codes an hour and the sixth when the first is over an hour old', async () => {
    const email = 'hourly@punctual.test';
    await register(auth.deps, { email, password: PASSWORD });
    for (let sent = 1; sent < 5; sent += 1) {
      await auth.letPass(email, '2 minutes');
      assert.equal(await resendVerification(auth.deps, email), 'send');
    }
    await auth.letPass(email, '2 minutes');
    assert.equal(await resendVerification(auth.deps, email), 'too-many');
    await auth.letPass(email, '51 minutes');
    assert.equal(await resendVerification(auth.deps, email), 'send');
    assert.equal((await auth.codesFor(email)).length, 6);
  });

  it('sends nothing to nobody and to who is verified', async () => {
    await auth.registerAndVerify('done@punctual.test');
    await auth.letPass('done@punctual.test', '61 seconds');
    assert.equal(await resendVerification(auth.deps, 'done@punctual.test'), 'not-waiting');
    assert.equal(await resendVerification(auth.deps, 'nobody@punctual.test'), 'not-waiting');
    assert.equal((await auth.codesFor('done@punctual.test')).length, 1);
    assert.equal((await auth.codesFor('nobody@punctual.test')).length, 0);
  });

  it('survives guesses and resends of one user at the same time', async () => {
    const email = 'mixed@punctual.test';
    await register(auth.deps, { email, password: PASSWORD });
    await auth.letPass(email, '61 seconds');
    const code = otherCode(await auth.codeFor(email));
    await Promise.all(
      Array.from({ length: 30 }, (_, turn) =>
        turn % 2 === 0 ? guess(email, code) : resendVerification(auth.deps, email),
      ),
    );
    assert.equal((await auth.codesFor(email)).length, 2);
  });

  it('keeps no code readable beside the mail that waits to be sent', async () => {
    const email = 'at-rest@punctual.test';
    await register(auth.deps, { email, password: PASSWORD });
    const code = await auth.codeFor(email);
    const stored = await rows<{ row: string }>(
      auth.db.primary,
      `SELECT to_jsonb(c) - 'sent_at' - 'expires_at' - 'id' - 'user_id' || jsonb_build_object('text', encode(code_hash, 'escape')) AS row
       FROM verification_codes c JOIN users ON users.id = user_id WHERE email = :email`,
      { email },
    );
    assert.equal(stored.length, 1);
    assert.ok(!JSON.stringify(stored).includes(`"${code}"`));
  });
});
