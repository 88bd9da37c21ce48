import { jwtVerify, SignJWT } from 'jose';

/**
 * How our services know each other: a short-lived token, signed with a key that all of them share. It says which service calls,
 * and nothing of the user. The key may be a list during a rotation: the first signs, all verify.
 */
export type ServiceTokens = {
  /** A token that says that `service` is calling; the same one until half its life is over. */
  sign(service: string): Promise<string>;
  /** The service that the token speaks for; undefined when it is not good. */
  verify(token: string): Promise<string | undefined>;
};

const ALGORITHM = 'HS256';
const TYPE = 'service+jwt';
const AUDIENCE = 'punctual-internal';
const LIFETIME_SECONDS = 60;
const RENEW_AFTER_MS = 30_000;
/** Clocks of two hosts may differ by this much. */
const CLOCK_TOLERANCE_SECONDS = 5;
const MIN_KEY_LENGTH = 32;
const MAX_TOKEN_LENGTH = 1_024;
/** Every client makes one token each half minute; more than that comes from nobody of ours. */
const MAX_KNOWN_TOKENS = 1_000;
const SERVICE_NAME = /^[a-z][a-z-]{0,31}$/;
const MS_PER_SECOND = 1_000;

type Known = { service: string; expiresAtMs: number };

export function createServiceTokens(serviceKey: string): ServiceTokens {
  const keys = serviceKey.split(',').map((key) => new TextEncoder().encode(key.trim()));
  const [signingKey] = keys;
  if (signingKey === undefined || keys.some((key) => key.length < MIN_KEY_LENGTH)) {
    throw new Error(`every key of SERVICE_KEY must have at least ${MIN_KEY_LENGTH} characters`);
  }
  const signed = new Map<string, { token: Promise<string>; renewAtMs: number }>();
  const known = new Map<string, Known>();

  async function verifiedBy(key: Uint8Array, token: string): Promise<Known | undefined> {
    try {
      const { payload } = await jwtVerify(token, key, {
        algorithms: [ALGORITHM],
        typ: TYPE,
        audience: AUDIENCE,
        requiredClaims: ['iss', 'iat', 'exp'],
        maxTokenAge: LIFETIME_SECONDS,
        clockTolerance: CLOCK_TOLERANCE_SECONDS,
      });
      const { iss = '', exp = 0 } = payload;
      return SERVICE_NAME.test(iss) ? { service: iss, expiresAtMs: exp * MS_PER_SECOND } : undefined;
    } catch {
      // Which check failed is of use to nobody who has the key.
      return undefined;
    }
  }

  return {
    sign(service) {
      const last = signed.get(service);
      if (last !== undefined && last.renewAtMs > Date.now()) return last.token;
      const token = new SignJWT()
        .setProtectedHeader({ alg: ALGORITHM, typ: TYPE })
        .setIssuer(service)
        .setAudience(AUDIENCE)
        .setIssuedAt()
        .setExpirationTime(`${LIFETIME_SECONDS}s`)
        .sign(signingKey);
      signed.set(service, { token, renewAtMs: Date.now() + RENEW_AFTER_MS });
      return token;
    },
    async verify(token) {
      const before = known.get(token);
      if (before !== undefined && before.expiresAtMs > Date.now()) return before.service;
      known.delete(token);
      if (token.length > MAX_TOKEN_LENGTH) return undefined;
      for (const key of keys) {
        const verified = await verifiedBy(key, token);
        if (verified === undefined) continue;
        if (known.size >= MAX_KNOWN_TOKENS) known.clear();
        known.set(token, verified);
        return verified.service;
      }
      return undefined;
    },
  };
}
