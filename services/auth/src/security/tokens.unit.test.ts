import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { createAccessTokens } from './access-tokens.ts';
import { isKeyList, isSigningKey, loadSigningKeys } from './signing-keys.ts';

const pem = (): string => generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const publicPem = (privatePem: string): string =>
  createPublicKey(privatePem).export({ type: 'spki', format: 'pem' }).toString();
const RSA_PEM = generateKeyPairSync('rsa', { modulusLength: 2_048 })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString();

describe('signing keys', () => {
  it('are one Ed25519 private key', () => {
    const key = pem();
    assert.equal(isSigningKey(key), true);
    assert.equal(isSigningKey(key.replaceAll('\n', '\\n')), true);
    for (const bad of ['', 'secret', RSA_PEM, publicPem(key), key + pem(), key.slice(0, -40)]) {
      assert.equal(isSigningKey(bad), false);
    }
  });

  it('retire as public or private keys', () => {
    assert.equal(isKeyList(pem() + publicPem(pem())), true);
    for (const bad of ['', 'secret', RSA_PEM, pem() + RSA_PEM]) assert.equal(isKeyList(bad), false);
  });

  it('have an id that is the same whenever they are loaded', async () => {
    const key = pem();
    const [first, second] = [await loadSigningKeys(key), await loadSigningKeys(key.replaceAll('\n', '\\n'))];
    assert.equal(first.keyId, second.keyId);
    assert.notEqual(first.keyId, (await loadSigningKeys(pem())).keyId);
  });

  it('publish the current and the retired keys, each once, and nothing private', async () => {
    const [current, retired] = [pem(), pem()];
    const { keyId, publicKeys } = await loadSigningKeys(current, retired + current);
    assert.equal(publicKeys.keys.length, 2);
    assert.equal(publicKeys.keys[0]?.kid, keyId);
    for (const key of publicKeys.keys) {
      assert.deepEqual(Object.keys(key).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x']);
    }
  });
});

describe('access tokens', () => {
  it('carry the bearer and verify with the published key', async () => {
    const keys = await loadSigningKeys(pem());
    const tokens = createAccessTokens({ keys, issuer: 'issuer', audience: 'audience', ttlMs: 900_000 });
    const issuedAt = new Date();
    const bearer = { userId: 17, email: 'a@punctual.test', role: 'admin' } as const;
    const token = await tokens.issue(bearer, issuedAt);
    assert.deepEqual(decodeProtectedHeader(token), { alg: 'EdDSA', typ: 'at+jwt', kid: keys.keyId });
    const { payload } = await jwtVerify(token, createLocalJWKSet(keys.publicKeys), {
      issuer: 'issuer',
      audience: 'audience',
      typ: 'at+jwt',
    });
    const { jti, ...claims } = payload;
    const iat = Math.floor(issuedAt.getTime() / 1_000);
    assert.deepEqual(claims, {
      sub: '17',
      email: 'a@punctual.test',
      role: 'admin',
      iss: 'issuer',
      aud: 'audience',
      iat,
      exp: iat + 900,
    });
    assert.match(jti ?? '', /^[0-9a-f-]{36}$/);
    assert.equal(tokens.expiresInSeconds, 900);
  });

  it('of a retired key verify on', async () => {
    const old = pem();
    const tokens = createAccessTokens({ keys: await loadSigningKeys(old), issuer: 'i', audience: 'a', ttlMs: 60_000 });
    const token = await tokens.issue({ userId: 1, email: 'a@punctual.test', role: 'customer' }, new Date());
    const rotated = await loadSigningKeys(pem(), publicPem(old));
    const verified = await jwtVerify(token, createLocalJWKSet(rotated.publicKeys), { issuer: 'i', audience: 'a' });
    assert.equal(verified.payload.sub, '1');
  });
});
