import assert from 'node:assert/strict';
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomUUID,
  sign,
} from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { authApi } from '@punctual/contracts';
import { expectStatus } from '@punctual/testing';
import { admin, platformAt, settings, shop } from '../platform.ts';
import { NOBODY, PASSWORD, refusal, stackSettings } from './attacker.ts';

type Parts = { readonly header: Record<string, unknown>; readonly claims: Record<string, unknown> };

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const decode = (part: string | undefined): Record<string, unknown> =>
  JSON.parse(Buffer.from(part ?? '', 'base64url').toString());
const nowSeconds = (): number => Math.floor(Date.now() / 1_000);

/** A JWT made by hand, since no library makes what an attacker sends. */
function forge({ header, claims }: Parts, signature: (input: Buffer) => Buffer | string): string {
  const input = `${encode(header)}.${encode(claims)}`;
  return `${input}.${Buffer.from(signature(Buffer.from(input))).toString('base64url')}`;
}

const ed25519 = (key: KeyObject) => (input: Buffer) => sign(null, input, key);
const hmac = (secret: string | Buffer) => (input: Buffer) => createHmac('sha256', secret).update(input).digest();

describe('access tokens', function () {
  this.timeout(60_000);
  let genuine: Parts;
  let token: string;
  let refreshToken: string;
  let realKey: KeyObject;

  /** A route of each service behind a token, and what it answers when the token is good. */
  const doors = [
    { method: 'GET', path: '/users', status: 200, service: stackSettings.AUTH_URL },
    { method: 'DELETE', path: '/products/999999999', status: 428, service: stackSettings.PRODUCT_URL },
    { method: 'GET', path: '/orders/my-orders', status: 200, service: stackSettings.ORDER_URL },
    { method: 'GET', path: '/payments', status: 200, service: stackSettings.PAYMENT_URL },
  ] as const;

  before(async () => {
    await platformAt(1);
    ({ token, refreshToken } = await admin());
    const [header, claims] = token.split('.').slice(0, 2).map(decode);
    assert.ok(header && claims);
    genuine = { header, claims };
    realKey = createPrivateKey(readFileSync(stackSettings.JWT_SIGNING_KEY_FILE));
  });

  const real = (changed: { header?: object; claims?: object } = {}): string =>
    forge(
      {
        header: { ...genuine.header, ...changed.header },
        claims: { ...genuine.claims, jti: randomUUID(), ...changed.claims },
      },
      ed25519(realKey),
    );

  /** The status of every door, through the gateway and past it: a service trusts no one in front of it. */
  async function statuses(authorization: string): Promise<number[]> {
    const answers = doors.flatMap(({ method, path, service }) =>
      [settings.GATEWAY_URL, service].map((base) => fetch(`${base}${path}`, { method, headers: { authorization } })),
    );
    return Promise.all(
      answers.map(async (answer) => {
        const { status, body } = await answer;
        await body?.cancel();
        return status;
      }),
    );
  }

  async function refused(name: string, authorization: string): Promise<void> {
    assert.deepEqual(new Set(await statuses(authorization)), new Set([401]), name);
  }

  it('S4: a token that is made with the shop’s key opens every door, so what follows is refused for its one fault', async () => {
    const expected = doors.flatMap(({ status }) => [status, status]);
    assert.deepEqual(await statuses(`Bearer ${token}`), expected);
    assert.deepEqual(await statuses(`Bearer ${real()}`), expected);
  });

  it('S4: no signature, another algorithm, another key or a key that the token brings along is refused by every service', async () => {
    const own = generateKeyPairSync('ed25519');
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 });
    const publicKey = createPublicKey(realKey);
    const jwk = publicKey.export({ format: 'jwk' });
    const spki = publicKey.export({ type: 'spki', format: 'pem' });
    const keySet = await (await fetch(`${settings.GATEWAY_URL}/.well-known/jwks.json`)).text();
    let visits = 0;
    const theirKeys = createServer((_request, response) => {
      visits += 1;
      response.end(
        JSON.stringify({ keys: [{ ...own.publicKey.export({ format: 'jwk' }), kid: 'mine', alg: 'EdDSA' }] }),
      );
    }).listen(0, '127.0.0.1');
    await once(theirKeys, 'listening');
    const address = theirKeys.address();
    assert.ok(address !== null && typeof address === 'object');
    const url = `http://127.0.0.1:${address.port}/keys`;
    const make = (header: object, signature: Parameters<typeof forge>[1]) =>
      forge({ ...genuine, header: { ...genuine.header, ...header } }, signature);
    const [head, payload, signature] = token.split('.');
    const forged: Record<string, string> = {
      'alg none': make({ alg: 'none' }, () => ''),
      'alg None': make({ alg: 'None' }, () => ''),
      'no signature': `${head}.${payload}.`,
      'two parts': `${head}.${payload}`,
      'HS256 with the public key as PEM': make({ alg: 'HS256' }, hmac(spki)),
      'HS256 with the raw public key': make({ alg: 'HS256' }, hmac(Buffer.from(jwk.x ?? '', 'base64url'))),
      'HS256 with the public key set': make({ alg: 'HS256' }, hmac(keySet)),
      'HS256 with an empty key by kid': make({ alg: 'HS256', kid: '../../../../dev/null' }, hmac('')),
      'RS256 with a key of their own': make({ alg: 'RS256' }, (input) => sign('sha256', input, rsa.privateKey)),
      'a key of their own under our kid': make({}, ed25519(own.privateKey)),
      'a kid that is a query': make({ kid: `' UNION SELECT '${jwk.x}` }, ed25519(own.privateKey)),
      'a key in the header': make({ jwk: own.publicKey.export({ format: 'jwk' }) }, ed25519(own.privateKey)),
      'a key behind jku': make({ jku: url, kid: 'mine' }, ed25519(own.privateKey)),
      'a key behind x5u': make({ x5u: url, kid: 'mine' }, ed25519(own.privateKey)),
      'an extension that must be understood': make({ crit: ['b64'], b64: false }, ed25519(realKey)),
      'changed claims under the old signature': `${head}.${encode({ ...genuine.claims, sub: String(NOBODY) })}.${signature}`,
    };
    try {
      for (const [name, text] of Object.entries(forged)) await refused(name, `Bearer ${text}`);
    } finally {
      theirKeys.close();
      theirKeys.closeAllConnections();
    }
    assert.equal(visits, 0, 'a service has asked the attacker for keys');
  });

  it('S4: expired, not yet valid, for another audience, of another issuer, or no access token at all: refused, though signed by us', async () => {
    const signed: Record<string, string> = {
      expired: real({ claims: { iat: nowSeconds() - 1_000, exp: nowSeconds() - 100 } }),
      'not yet valid': real({ claims: { nbf: nowSeconds() + 1_000 } }),
      'without an end': real({ claims: { exp: undefined } }),
      'another audience': real({ claims: { aud: 'elsewhere' } }),
      'another issuer': real({ claims: { iss: 'https://elsewhere.test' } }),
      'another type': real({ header: { typ: 'JWT' } }),
      'no user': real({ claims: { sub: undefined } }),
      'a user that is no number': real({ claims: { sub: 'admin' } }),
      'a role that there is not': real({ claims: { role: 'root' } }),
    };
    for (const [name, text] of Object.entries(signed)) await refused(name, `Bearer ${text}`);
    await refused('a refresh token', `Bearer ${refreshToken}`);
    await refused('another scheme', `Basic ${Buffer.from('admin@punctual.test:punctual-admin').toString('base64')}`);
    await refused('two tokens', `Bearer ${token}, Bearer ${token}`);
    assert.equal((await shop.request('GET', `/users/me?access_token=${token}`)).status, 401, 'a token in the address');
  });
});

describe('sessions', function () {
  this.timeout(60_000);
  const refresh = (refreshToken: string) =>
    shop.request<authApi.Tokens>('POST', '/auth/refresh', { body: { refresh_token: refreshToken } });

  it('S5: an old refresh token that is replayed revokes its whole family, and no other session', async () => {
    const customer = await shop.newCustomer();
    const elsewhere = await shop.login(customer.email, PASSWORD);
    const second = expectStatus(await refresh(customer.refreshToken), 200);
    const third = expectStatus(await refresh(second.refresh_token), 200);
    assert.deepEqual(refusal(await refresh(customer.refreshToken)), [401, 'UNAUTHENTICATED']);
    assert.equal((await refresh(third.refresh_token)).status, 401, 'the family lives on');
    assert.equal((await refresh(second.refresh_token)).status, 401);
    assert.equal((await refresh(elsewhere.refreshToken)).status, 200, 'another session was ended too');
  });

  it('S5: of ten refreshes at the same time with one token, one wins', async () => {
    const customer = await shop.newCustomer();
    const answers = await Promise.all(Array.from({ length: 10 }, () => refresh(customer.refreshToken)));
    // Whether the family lives depends on who came before the winner was answered; services/auth tests that where time stands still.
    assert.deepEqual(answers.map(({ status }) => status).sort(), [200, ...Array.from({ length: 9 }, () => 401)]);
  });
});
