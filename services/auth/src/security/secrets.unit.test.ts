import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createCodeHasher } from './code-hasher.ts';
import { drawRefreshToken, refreshTokenHash } from './refresh-token.ts';

describe('hashed codes', () => {
  const hasher = createCodeHasher('a secret');

  it('match the same user and code, and no other', () => {
    const stored = hasher.hash(7, '012345');
    assert.equal(hasher.matches(stored, 7, '012345'), true);
    assert.equal(hasher.matches(stored, 7, '012346'), false);
    assert.equal(hasher.matches(stored, 8, '012345'), false);
    assert.equal(hasher.matches(stored.subarray(1), 7, '012345'), false);
  });

  it('cannot be found without the key', () => {
    const stored = hasher.hash(7, '012345');
    assert.equal(createCodeHasher('another secret').matches(stored, 7, '012345'), false);
  });

  it('do not run user and code together', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1_000_000 }), fc.integer({ min: 0, max: 99_999 }), (userId, drawn) => {
        const code = String(drawn).padStart(6, '0');
        const shifted = `${userId}${code[0]}`;
        assert.equal(hasher.matches(hasher.hash(userId, code), Number(shifted), code.slice(1)), false);
      }),
      { numRuns: 20 },
    );
  });
});

describe('refresh tokens', () => {
  it('are 256 random bits and stored as their SHA-256', () => {
    const [first, second] = [drawRefreshToken(), drawRefreshToken()];
    assert.notEqual(first, second);
    assert.match(first, /^[\w-]{43}$/);
    assert.equal(refreshTokenHash(first).length, 32);
    assert.deepEqual(refreshTokenHash(first), refreshTokenHash(first));
  });
});
