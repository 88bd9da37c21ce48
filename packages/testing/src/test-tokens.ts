import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

/** What services prove themselves to each other with in tests. */
export const TEST_SERVICE_KEY = 'a-key-that-only-tests-know-0123456789';

const ISSUER = 'punctual-test';
const AUDIENCE = 'punctual-test';
const DEFAULT_LIFETIME_SECONDS = 900;

export type TokenOptions = {
  userId: number;
  email?: string;
  role?: 'customer' | 'admin';
  /** Negative for a token that has expired already. */
  expiresInSeconds?: number;
  issuer?: string;
  audience?: string;
};

export type TestTokens = {
  readonly issuer: string;
  readonly audience: string;
  readonly jwksUrl: string;
  /** An access token as the auth service issues it: EdDSA, `typ` at+jwt, `kid`, claims sub, email, role, iss, aud, iat, exp, jti. */
  token(options: TokenOptions): Promise<string>;
  /** How often the public keys were fetched. */
  fetches(): number;
  stop(): Promise<void>;
};

/** A signer with a key of its own, and an HTTP server on a free port that serves its public key. */
export async function testTokens(): Promise<TestTokens> {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' });
  const keyId = randomUUID();
  const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: keyId, alg: 'EdDSA', use: 'sig' }] });
  let fetches = 0;
  const server = createServer((_request, response) => {
    fetches += 1;
    response.writeHead(200, { 'content-type': 'application/json', connection: 'close' }).end(jwks);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');

  return {
    issuer: ISSUER,
    audience: AUDIENCE,
    jwksUrl: `http://127.0.0.1:${address.port}/.well-known/jwks.json`,
    async token({ userId, email = `user-${userId}@punctual.test`, role = 'customer', ...rest }) {
      const { expiresInSeconds = DEFAULT_LIFETIME_SECONDS, issuer = ISSUER, audience = AUDIENCE } = rest;
      const issuedAtSeconds = Math.floor(Date.now() / 1_000) + Math.min(0, expiresInSeconds);
      return await new SignJWT({ email, role })
        .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: keyId })
        .setSubject(String(userId))
        .setIssuer(issuer)
        .setAudience(audience)
        .setJti(randomUUID())
        .setIssuedAt(issuedAtSeconds)
        .setExpirationTime(Math.floor(Date.now() / 1_000) + expiresInSeconds)
        .sign(privateKey);
    },
    fetches: () => fetches,
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
