import assert from 'node:assert/strict';
import { isDemoLogin } from './demo-accounts.ts';
import { type Credentials, decideLogin } from './login.ts';
import { decideRefused } from './session.ts';

const user: Credentials = {
  userId: 1,
  email: 'a@punctual.test',
  passwordHash: 'hash',
  role: 'customer',
  verified: true,
  active: true,
};

describe('decideLogin', () => {
  const cases: [string, Credentials | undefined, boolean, string][] = [
    ['lets in a verified user with the right password', user, true, 'let-in'],
    ['refuses the wrong password', user, false, 'invalid-credentials'],
    ['refuses an unknown address', undefined, false, 'invalid-credentials'],
    [
      'tells who knows the password that the address is not verified',
      { ...user, verified: false },
      true,
      'not-verified',
    ],
    ['tells nobody else that the address is not verified', { ...user, verified: false }, false, 'invalid-credentials'],
    ['tells who knows the password that it is deactivated', { ...user, active: false }, true, 'deactivated'],
    ['tells nobody else that it is deactivated', { ...user, active: false }, false, 'invalid-credentials'],
    [
      'does not ask for verification of what is deactivated',
      { ...user, active: false, verified: false },
      true,
      'deactivated',
    ],
  ];
  for (const [name, credentials, matches, decision] of cases) {
    it(name, () => assert.equal(decideLogin(credentials, matches), decision));
  }
});

describe('decideRefused', () => {
  const cases: [string, Parameters<typeof decideRefused>[0], string][] = [
    ['refuses an unknown token', undefined, 'refuse'],
    ['refuses an expired token that was never spent', { spent: false, twin: false, revoked: false }, 'refuse'],
    [
      'revokes the family of a spent token that comes again',
      { spent: true, twin: false, revoked: false },
      'revoke-family',
    ],
    [
      'only refuses the twin of the request that spent the token',
      { spent: true, twin: true, revoked: false },
      'refuse',
    ],
    ['refuses a token of a family that is revoked already', { spent: true, twin: false, revoked: true }, 'refuse'],
  ];
  for (const [name, token, decision] of cases) {
    it(name, () => assert.equal(decideRefused(token), decision));
  }
});

describe('isDemoLogin', () => {
  it('knows the published passwords, each with its address only', () => {
    assert.equal(isDemoLogin('admin@punctual.test', 'punctual-admin'), true);
    assert.equal(isDemoLogin('admin@punctual.test', 'a password of my own'), false);
    assert.equal(isDemoLogin('me@shop.test', 'punctual-admin'), false);
  });
});
