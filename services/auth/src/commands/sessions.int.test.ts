import assert from 'node:assert/strict';
import { execute, one, rows } from '@punctual/postgres';
import { decodeJwt } from 'jose';
import { ADDRESS, createFixture, type Fixture, PASSWORD } from '../../test/fixture.ts';
import { refreshTokenHash } from '../security/refresh-token.ts';
import { login } from './login.ts';
import { logout } from './logout.ts';
import { prune } from './prune.ts';
import { refresh } from './refresh.ts';

const EMAIL = 'session@punctual.test';

describe('sessions', () => {
  let auth: Fixture;
  before(async () => {
    auth = await createFixture('auth-sessions');
    await auth.registerAndVerify(EMAIL);
  });
  after(() => auth.close());

  async function beginSession(email = EMAIL): Promise<string> {
    const result = await login(auth.deps, { email, password: PASSWORD, address: ADDRESS });
    assert.equal(result.decision, 'let-in');
    return result.decision === 'let-in' ? result.tokens.refreshToken : '';
  }

  async function rotate(token: string): Promise<string> {
    const result = await refresh(auth.deps, token);
    assert.equal(result.decision, 'refreshed');
    return result.decision === 'refreshed' ? result.tokens.refreshToken : '';
  }

  const decide = async (token: string) => (await refresh(auth.deps, token)).decision;

  it('hands over from token to token, each for the same user', async () => {
    const first = await beginSession();
    const second = await rotate(first);
    const third = await refresh(auth.deps, second);
    assert.ok(third.decision === 'refreshed');
    assert.equal(new Set([first, second, third.tokens.refreshToken]).size, 3);
    assert.equal(decodeJwt(third.tokens.accessToken).email, EMAIL);
  });

  it('revokes the family when a spent token comes again, however soon', async () => {
    for (let round = 0; round < 20; round += 1) {
      const first = await beginSession();
      const second = await rotate(first);
      assert.equal(await decide(first), 'family-revoked');
      assert.equal(await decide(second), 'refused');
    }
  });

  it('leaves other sessions of the user alone when it revokes one', async () => {
    const other = await beginSession();
    const first = await beginSession();
    await rotate(first);
    assert.equal(await decide(first), 'family-revoked');
    assert.equal(await decide(other), 'refreshed');
  });

  it('lets one of thirty parallel refreshes win, and the family lives', async () => {
    const token = await beginSession();
    const results = await Promise.all(Array.from({ length: 30 }, () => refresh(auth.deps, token)));
    const won = results.filter((result) => result.decision === 'refreshed');
    assert.equal(won.length, 1);
    assert.equal(results.filter((result) => result.decision === 'refused').length, 29);
    assert.equal(await decide(won[0]?.decision === 'refreshed' ? won[0].tokens.refreshToken : ''), 'refreshed');
  });

  it('refuses an unknown and an expired token, and revokes nothing', async () => {
    const token = await beginSession();
    assert.equal(await decide('never issued'), 'refused');
    await execute(auth.db.primary, 'UPDATE refresh_tokens SET expires_at = now() WHERE token_hash = :tokenHash', {
      tokenHash: refreshTokenHash(token),
    });
    assert.equal(await decide(token), 'refused');
    const session = await one<{ revoked: boolean }>(
      auth.db.primary,
      `SELECT revoked_at IS NOT NULL AS revoked FROM sessions
       JOIN refresh_tokens ON session_id = sessions.id WHERE token_hash = :tokenHash`,
      { tokenHash: refreshTokenHash(token) },
    );
    assert.deepEqual(session, { revoked: false });
  });

  it('ends the session at logout, with any of its tokens, as often as one likes', async () => {
    const first = await beginSession();
    const second = await rotate(first);
    await logout(auth.deps, first);
    await logout(auth.deps, first);
    await logout(auth.deps, 'never issued');
    assert.equal(await decide(second), 'refused');
  });

  it('refuses to refresh for a user who was deleted', async () => {
    await auth.registerAndVerify('gone@punctual.test');
    const token = await beginSession('gone@punctual.test');
    await execute(auth.db.primary, `UPDATE users SET deleted_at = now() WHERE email = 'gone@punctual.test'`);
    assert.equal(await decide(token), 'refused');
  });

  it('stores hashes of tokens only', async () => {
    const token = await beginSession();
    const stored = await rows<{ hash: Buffer }>(auth.db.primary, 'SELECT token_hash AS hash FROM refresh_tokens');
    assert.ok(stored.every(({ hash }) => hash.length === 32 && hash.toString('base64url') !== token));
  });

  it('prunes what ended over a day ago and keeps the rest', async () => {
    const kept = await beginSession();
    const old = await beginSession();
    await execute(
      auth.db.primary,
      `UPDATE refresh_tokens SET expires_at = now() - interval '25 hours' WHERE token_hash = :tokenHash`,
      { tokenHash: refreshTokenHash(old) },
    );
    await execute(
      auth.db.primary,
      `UPDATE sessions SET created_at = now() - interval '31 days'
       WHERE id = (SELECT session_id FROM refresh_tokens WHERE token_hash = :tokenHash)`,
      { tokenHash: refreshTokenHash(old) },
    );
    await auth.letPass(EMAIL, '25 hours');
    const { codes, tokens, sessions } = await prune(auth.deps);
    assert.deepEqual({ codes, tokens, sessions }, { codes: 1, tokens: 1, sessions: 1 });
    assert.equal(await decide(kept), 'refreshed');
  });
});
