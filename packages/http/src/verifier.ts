import type { Logger } from '@punctual/telemetry';
import {
  type CryptoKey,
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWTHeaderParameters,
  type JWTPayload,
  jwtVerify,
} from 'jose';
import { LRUCache } from 'lru-cache';
import { AppError, unauthenticated, unavailable } from './app-error.ts';

/** Who a verified access token speaks for. */
export type Identity = {
  readonly userId: number;
  readonly email: string;
  readonly role: 'customer' | 'admin';
  /** The token's `jti`. */
  readonly tokenId: string;
};

/** `verify` throws 401 for a token that is not good and 503 when no keys are known to judge it by. */
export type Verifier = { verify(token: string): Promise<Identity> };

export type VerifierOptions = {
  jwksUrl: string;
  issuer: string;
  audience: string;
  logger: Logger;
  /** How long fetched keys are used without asking again, default 10 min. Stale ones serve on while auth is away. */
  keysMaxAgeMs?: number;
  /** The least time between two fetches for an unknown key id, default 30 s: key ids are the client's to invent. */
  cooldownMs?: number;
  /** Bound of one fetch, default 2 s. */
  timeoutMs?: number;
};

const maxTokenLength = 8_192;
const maxCachedTokens = 10_000;
/** After a failed fetch the next request does not wait for another one at once. */
const failurePauseMs = 1_000;
/** Headers that let a token bring or point to its own key, or change what is signed. Nothing of ours sets them. */
const refusedHeaders = ['jku', 'jwk', 'x5u', 'x5c', 'x5t', 'x5t#S256', 'crit', 'b64'] as const;

type KeyLookup = (header: JWTHeaderParameters, token: FlattenedJWSInput) => Promise<CryptoKey>;
type Cached = { identity: Identity; expiresAtMs: number };

/**
 * Verifies access tokens: EdDSA only, `typ` at+jwt, issuer, audience and every claim that we read. Good tokens are
 * remembered until they expire, since a signature costs more than all the rest of a request; bad ones are not.
 */
export function createVerifier(options: VerifierOptions): Verifier {
  return verifierWith(createKeyLookup(options), options);
}

/** The same with the public keys at hand, as in the service that signs. */
export function createLocalVerifier({
  keys,
  ...expected
}: Pick<VerifierOptions, 'issuer' | 'audience'> & { keys: JSONWebKeySet }): Verifier {
  return verifierWith(createLocalJWKSet(keys), expected);
}

function verifierWith(findKey: KeyLookup, options: Pick<VerifierOptions, 'issuer' | 'audience'>): Verifier {
  const cache = new LRUCache<string, Cached>({ max: maxCachedTokens });
  const rules = {
    algorithms: ['EdDSA'],
    typ: 'at+jwt',
    issuer: options.issuer,
    audience: options.audience,
    requiredClaims: ['sub', 'email', 'role', 'exp', 'jti'],
  };

  return {
    async verify(token) {
      const known = cache.get(token);
      if (known !== undefined) {
        if (known.expiresAtMs > Date.now()) return known.identity;
        cache.delete(token);
        throw refused();
      }
      if (token.length > maxTokenLength) throw refused();
      const { payload, protectedHeader } = await verifySignature(token, findKey, rules);
      if (refusedHeaders.some((name) => name in protectedHeader)) throw refused();
      const identity = identityOf(payload);
      cache.set(token, { identity, expiresAtMs: (payload.exp ?? 0) * 1000 });
      return identity;
    },
  };
}

async function verifySignature(token: string, findKey: KeyLookup, rules: Parameters<typeof jwtVerify>[2]) {
  try {
    return await jwtVerify(token, findKey, rules);
  } catch (error) {
    if (error instanceof AppError) throw error;
    // Which check failed is of no use to an honest client and of some to another.
    throw refused();
  }
}

/** Keys of the JWKS, and the last good ones when it cannot be reached. */
function createKeyLookup(options: VerifierOptions): KeyLookup {
  const remote = createRemoteJWKSet(new URL(options.jwksUrl), {
    cacheMaxAge: options.keysMaxAgeMs ?? 600_000,
    cooldownDuration: options.cooldownMs ?? 30_000,
    timeoutDuration: options.timeoutMs ?? 2_000,
  });
  let pausedUntilMs = 0;

  return async function findKey(header, token) {
    if (Date.now() >= pausedUntilMs) {
      try {
        return await remote(header, token);
      } catch (error) {
        if (isAboutTheToken(error)) throw error;
        pausedUntilMs = Date.now() + failurePauseMs;
        options.logger.warn('signing keys could not be fetched', { error });
      }
    }
    const lastGood = remote.jwks();
    if (lastGood === undefined) throw unavailable('auth');
    return createLocalJWKSet(lastGood)(header, token);
  };
}

/** The key set was there and had no fitting key, in contrast to a key set that did not come. */
function isAboutTheToken(error: unknown): boolean {
  return (
    error instanceof errors.JWKSNoMatchingKey ||
    error instanceof errors.JWKSMultipleMatchingKeys ||
    error instanceof errors.JOSENotSupported
  );
}

function identityOf(payload: JWTPayload): Identity {
  const { sub, email, role, jti } = payload;
  const userId = typeof sub === 'string' && /^[1-9]\d{0,15}$/.test(sub) ? Number(sub) : Number.NaN;
  if (
    !Number.isSafeInteger(userId) ||
    typeof email !== 'string' ||
    typeof jti !== 'string' ||
    (role !== 'customer' && role !== 'admin')
  ) {
    throw refused();
  }
  return Object.freeze({ userId, email, role, tokenId: jti });
}

function refused(): AppError {
  return unauthenticated('The access token is not valid.', { invalidToken: true });
}
