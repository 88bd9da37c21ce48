import { randomUUID } from 'node:crypto';
import { SignJWT } from 'jose';
import type { Role } from '../domain/login.ts';
import type { SigningKeys } from './signing-keys.ts';

export type AccessTokenOptions = {
  readonly keys: SigningKeys;
  readonly issuer: string;
  readonly audience: string;
  readonly ttlMs: number;
};

export type Bearer = { readonly userId: number; readonly email: string; readonly role: Role };

export type AccessTokens = {
  /** `issuedAt` is the database's time, so that a wrong clock on this machine makes no token that is born expired. */
  issue(bearer: Bearer, issuedAt: Date): Promise<string>;
  readonly expiresInSeconds: number;
};

/** JWTs after RFC 9068: `typ` at+jwt keeps other tokens of the same issuer from passing as access tokens. */
export function createAccessTokens({ keys, issuer, audience, ttlMs }: AccessTokenOptions): AccessTokens {
  const expiresInSeconds = Math.max(1, Math.floor(ttlMs / 1_000));
  return {
    expiresInSeconds,
    issue({ userId, email, role }, issuedAt) {
      const issuedAtSeconds = Math.floor(issuedAt.getTime() / 1_000);
      return new SignJWT({ email, role })
        .setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', kid: keys.keyId })
        .setSubject(String(userId))
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt(issuedAtSeconds)
        .setExpirationTime(issuedAtSeconds + expiresInSeconds)
        .setJti(randomUUID())
        .sign(keys.privateKey);
    },
  };
}
