import assert from 'node:assert/strict';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { type TestTokens, testTokens } from './test-tokens.ts';

describe('testTokens', () => {
  let tokens: TestTokens;
  before(async () => {
    tokens = await testTokens();
  });
  after(async () => {
    await tokens.stop();
  });

  it('issues tokens that its key server lets anyone verify', async () => {
    const keys = createRemoteJWKSet(new URL(tokens.jwksUrl));
    const token = await tokens.token({ userId: 7, email: 'ann@punctual.test', role: 'admin' });
    const { payload, protectedHeader } = await jwtVerify(token, keys, {
      issuer: tokens.issuer,
      audience: tokens.audience,
    });
    assert.equal(protectedHeader.alg, 'EdDSA');
    assert.equal(protectedHeader.typ, 'at+jwt');
    assert.ok(protectedHeader.kid);
    const { sub, email, role, jti } = payload;
    assert.deepEqual({ sub, email, role }, { sub: '7', email: 'ann@punctual.test', role: 'admin' });
    assert.ok(jti);
    assert.equal(tokens.fetches(), 1);
  });

  it('issues tokens that have expired already, when asked', async () => {
    const keys = createRemoteJWKSet(new URL(tokens.jwksUrl));
    await assert.rejects(jwtVerify(await tokens.token({ userId: 7, expiresInSeconds: -1 }), keys), {
      code: 'ERR_JWT_EXPIRED',
    });
  });
});
