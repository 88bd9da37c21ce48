import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, type JWK, SignJWT } from 'jose';
import { recordingLogger } from '../test/app-fixture.ts';
import { AppError, createVerifier, type Verifier, type VerifierOptions } from './index.ts';

const issuer = 'https://auth.punctual.test';
const audience = 'punctual';

/** A key set over HTTP whose content and health a test can change. */
class KeyServer {
  keys: JWK[] = [];
  healthy = true;
  fetches = 0;
  readonly #server: Server = createServer((_req, res) => {
    this.fetches += 1;
    res.statusCode = this.healthy ? 200 : 503;
    res.setHeader('content-type', 'application/json');
    res.end(JSON.stringify({ keys: this.keys }));
  });

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/jwks.json`;
  }
}

type Key = { kid: string; privateKey: CryptoKey; publicKey: CryptoKey; jwk: JWK };

async function newKey(kid: string): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true });
  return { kid, privateKey, publicKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: 'EdDSA', use: 'sig' } };
}

type TokenOptions = {
  header?: Record<string, unknown>;
  claims?: Record<string, unknown>;
  without?: string;
  expiresAtSeconds?: number;
};

const nowSeconds = () => Math.floor(Date.now() / 1000);

function token(key: Key, options: TokenOptions = {}): Promise<string> {
  const claims: Record<string, unknown> = {
    iss: issuer,
    aud: audience,
    sub: '42',
    email: 'a@punctual.test',
    role: 'customer',
    jti: 'token-1',
    iat: nowSeconds(),
    exp: options.expiresAtSeconds ?? nowSeconds() + 600,
    ...options.claims,
  };
  if (options.without !== undefined) delete claims[options.without];
  return new SignJWT(claims)
    .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: key.kid, ...options.header })
    .sign(key.privateKey);
}

function rejectsWith(verifier: Verifier, text: string, code: string): Promise<void> {
  return assert.rejects(verifier.verify(text), (error) => error instanceof AppError && error.code === code);
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

describe('access token verifier', () => {
  const keyServer = new KeyServer();
  let key: Key;

  before(async () => {
    await keyServer.start();
    key = await newKey('key-1');
  });
  after(() => keyServer.stop());
  beforeEach(() => {
    keyServer.keys = [key.jwk];
    keyServer.healthy = true;
    keyServer.fetches = 0;
  });

  const verifierWith = (options: Partial<VerifierOptions> = {}) =>
    createVerifier({ jwksUrl: keyServer.url, issuer, audience, logger: recordingLogger().logger, ...options });

  it('tells who a good token speaks for', async () => {
    assert.deepEqual(await verifierWith().verify(await token(key)), {
      userId: 42,
      email: 'a@punctual.test',
      role: 'customer',
      tokenId: 'token-1',
    });
  });

  it('fetches the keys once for many tokens', async () => {
    const verifier = verifierWith();
    for (let id = 1; id <= 5; id += 1) await verifier.verify(await token(key, { claims: { jti: `token-${id}` } }));
    assert.equal(keyServer.fetches, 1);
  });

  it('refuses every token that auth did not issue as an access token for us', async () => {
    const verifier = verifierWith();
    const good = await token(key);
    const [header = '', payload = '', signature = ''] = good.split('.');
    const stranger = await newKey('key-1');
    const hmacKey = new TextEncoder().encode(await exportSPKI(key.publicKey));
    const hmac = await new SignJWT({ iss: issuer, aud: audience, sub: '1', email: 'a@b', role: 'admin', jti: 'x' })
      .setProtectedHeader({ alg: 'HS256', typ: 'at+jwt', kid: key.kid })
      .setExpirationTime('5m')
      .sign(hmacKey);

    const cases: Record<string, string> = {
      'alg none': `${encode({ alg: 'none', typ: 'at+jwt', kid: key.kid })}.${payload}.`,
      'alg none with the signature kept': `${encode({ alg: 'none', typ: 'at+jwt' })}.${payload}.${signature}`,
      'HS256 keyed with the public key': hmac,
      'a stranger’s key under our key id': await token(stranger),
      'an unknown key id': await token({ ...stranger, kid: 'key-9' }),
      'a changed payload': `${header}.${encode({ iss: issuer, aud: audience, sub: '1', role: 'admin' })}.${signature}`,
      'no signature': `${header}.${payload}.`,
      'a refresh token’s type': await token(key, { header: { typ: 'rt+jwt' } }),
      'a plain JWT': await token(key, { header: { typ: 'JWT' } }),
      'no type': await token(key, { header: { typ: undefined } }),
      'an expired token': await token(key, { expiresAtSeconds: nowSeconds() - 1 }),
      'another issuer': await token(key, { claims: { iss: 'https://evil.test' } }),
      'another audience': await token(key, { claims: { aud: 'other' } }),
      'not valid yet': await token(key, { claims: { nbf: nowSeconds() + 600 } }),
      'a key address': await token(key, { header: { jku: 'http://evil.test/jwks.json' } }),
      'a certificate address': await token(key, { header: { x5u: 'http://evil.test/cert' } }),
      'a key of its own': await token(key, { header: { jwk: stranger.jwk } }),
      'a user id that is no number': await token(key, { claims: { sub: 'admin' } }),
      'a user id beyond safe integers': await token(key, { claims: { sub: '9007199254740993' } }),
      'an unknown role': await token(key, { claims: { role: 'root' } }),
      'an email that is no text': await token(key, { claims: { email: 1 } }),
      'a token of absurd length': await token(key, { claims: { filler: 'x'.repeat(10_000) } }),
      'no token at all': 'nonsense',
      emptiness: '',
    };
    for (const claim of ['sub', 'email', 'role', 'exp', 'jti', 'iss', 'aud']) {
      cases[`no ${claim}`] = await token(key, { without: claim });
    }
    for (const [name, text] of Object.entries(cases)) {
      await assert.doesNotReject(rejectsWith(verifier, text, 'UNAUTHENTICATED'), name);
    }
    // The same token without any of those changes is good, so that the cases fail for their own reasons.
    await verifier.verify(good);
  });

  it('refuses a critical header extension', async () => {
    const crit = `${encode({ alg: 'EdDSA', typ: 'at+jwt', kid: key.kid, crit: ['b64'], b64: false })}.e30.AA`;
    await rejectsWith(verifierWith(), crit, 'UNAUTHENTICATED');
  });

  it('refuses a remembered token once it has expired', async () => {
    const verifier = verifierWith();
    const expiresAtSeconds = nowSeconds() + 600;
    const text = await token(key, { expiresAtSeconds });
    await verifier.verify(text);
    const realNow = Date.now;
    Date.now = () => expiresAtSeconds * 1000;
    try {
      await rejectsWith(verifier, text, 'UNAUTHENTICATED');
    } finally {
      Date.now = realNow;
    }
  });

  it('does not remember a refusal', async () => {
    const verifier = verifierWith({ cooldownMs: 0 });
    const next = await newKey('key-2');
    const text = await token(next);
    await rejectsWith(verifier, text, 'UNAUTHENTICATED');
    keyServer.keys = [key.jwk, next.jwk];
    assert.equal((await verifier.verify(text)).userId, 42);
  });

  it('does not fetch for every invented key id', async () => {
    const verifier = verifierWith();
    await verifier.verify(await token(key));
    for (let id = 0; id < 20; id += 1) {
      await rejectsWith(verifier, await token({ ...key, kid: `invented-${id}` }), 'UNAUTHENTICATED');
    }
    assert.equal(keyServer.fetches, 1);
  });

  it('says unavailable, not unauthenticated, when no keys could be had yet, and recovers', async () => {
    const down = createVerifier({ jwksUrl: 'http://127.0.0.1:1/', issuer, audience, logger: recordingLogger().logger });
    await rejectsWith(down, await token(key), 'UNAVAILABLE');
    keyServer.healthy = false;
    await rejectsWith(verifierWith(), await token(key), 'UNAVAILABLE');
  });

  it('does not ask a failing key server again for every request', async () => {
    keyServer.healthy = false;
    const verifier = verifierWith();
    for (let attempt = 0; attempt < 10; attempt += 1) await rejectsWith(verifier, await token(key), 'UNAVAILABLE');
    assert.equal(keyServer.fetches, 1);
  });

  it('goes on with the last good keys while auth is away', async () => {
    const verifier = verifierWith({ keysMaxAgeMs: 0, cooldownMs: 0 });
    await verifier.verify(await token(key));
    keyServer.healthy = false;
    assert.equal((await verifier.verify(await token(key, { claims: { jti: 'token-2' } }))).tokenId, 'token-2');
    await rejectsWith(verifier, await token(await newKey('key-1')), 'UNAUTHENTICATED');
  });
});
