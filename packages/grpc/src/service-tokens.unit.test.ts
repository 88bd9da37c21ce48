import assert from 'node:assert/strict';
import { SignJWT, UnsecuredJWT } from 'jose';
import { createServiceTokens } from './service-tokens.ts';

const KEY = 'a-key-that-only-tests-know-0123456789';
const NEW_KEY = 'the-key-that-comes-after-it-0123456789';

type Overrides = { key?: string; typ?: string; audience?: string; issuer?: string; iat?: number; exp?: number };

const nowSeconds = () => Math.floor(Date.now() / 1_000);

function forge({ key = KEY, typ = 'service+jwt', audience = 'punctual-internal', ...rest }: Overrides = {}) {
  const { issuer = 'order', iat = nowSeconds(), exp = nowSeconds() + 60 } = rest;
  return new SignJWT()
    .setProtectedHeader({ alg: 'HS256', typ })
    .setIssuer(issuer)
    .setAudience(audience)
    .setIssuedAt(iat)
    .setExpirationTime(exp)
    .sign(new TextEncoder().encode(key));
}

describe('A service token', () => {
  const tokens = createServiceTokens(KEY);

  it('names the service that has signed it', async () => {
    assert.equal(await tokens.verify(await tokens.sign('order')), 'order');
    assert.equal(await createServiceTokens(KEY).verify(await tokens.sign('payment')), 'payment');
    assert.equal(await tokens.verify(await forge()), 'order');
  });

  it('is signed once for many calls', async () => {
    assert.equal(await tokens.sign('gateway'), await tokens.sign('gateway'));
  });

  for (const [what, forged] of [
    ['of another key', () => forge({ key: NEW_KEY })],
    ['that has expired', () => forge({ iat: nowSeconds() - 120, exp: nowSeconds() - 60 })],
    ['that lives longer than a minute', () => forge({ iat: nowSeconds() - 120, exp: nowSeconds() + 600 })],
    ['for others', () => forge({ audience: 'punctual' })],
    ['of another type', () => forge({ typ: 'at+jwt' })],
    ['of nobody', () => forge({ issuer: '' })],
    ['of a name that would forge a log line', () => forge({ issuer: 'order\nadmin' })],
    [
      'without a signature',
      async () => new UnsecuredJWT().setIssuer('order').setAudience('punctual-internal').setIssuedAt().encode(),
    ],
    ['that is no token', async () => 'order'],
    ['that is endless', async () => 'x'.repeat(100_000)],
  ] as const) {
    it(`${what} names nobody`, async () => {
      assert.equal(await tokens.verify(await forged()), undefined);
    });
  }

  it('with a changed payload names nobody', async () => {
    const [header, , signature] = (await forge()).split('.');
    const payload = Buffer.from(JSON.stringify({ iss: 'gateway', aud: 'punctual-internal' })).toString('base64url');
    assert.equal(await tokens.verify(`${header}.${payload}.${signature}`), undefined);
  });

  it('survives a change of the key: first all know the new one, then all sign with it, then the old one goes', async () => {
    const [before, knowing, signing, after] = [
      createServiceTokens(KEY),
      createServiceTokens(`${KEY},${NEW_KEY}`),
      createServiceTokens(`${NEW_KEY}, ${KEY}`),
      createServiceTokens(NEW_KEY),
    ] as const;
    for (const [signer, verifier] of [
      [before, knowing],
      [knowing, before],
      [knowing, signing],
      [signing, knowing],
      [signing, after],
      [after, signing],
    ] as const) {
      assert.equal(await verifier.verify(await signer.sign('order')), 'order');
    }
    assert.equal(await after.verify(await before.sign('order')), undefined);
  });

  it('needs a key that cannot be guessed', () => {
    for (const key of ['', 'short', `${KEY},short`, `${KEY},`]) {
      assert.throws(() => createServiceTokens(key), /SERVICE_KEY must have at least 32 characters/);
    }
  });
});
