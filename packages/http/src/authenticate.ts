import type { IncomingMessage } from 'node:http';
import { unauthenticated } from './app-error.ts';
import type { Identity, Verifier } from './verifier.ts';

const bearerPattern = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i;

/** Reads the access token of a request and has it verified. Throws 401 with a challenge, or 503 when keys are unknown. */
export function createAuthenticator(
  verifier: Verifier | undefined,
  route: { method: string; path: string },
): (req: IncomingMessage) => Promise<Identity> {
  if (verifier === undefined) {
    throw new Error(`${route.method} ${route.path} needs an identity, but the app was given no verifier`);
  }
  return async function authenticate(req) {
    return verifier.verify(bearerToken(req.headers.authorization));
  };
}

/** The token of an Authorization header; throws 401 without one. */
export function bearerToken(header: string | undefined): string {
  if (header === undefined) throw unauthenticated();
  const token = bearerPattern.exec(header)?.[1];
  if (token === undefined) {
    throw unauthenticated('The Authorization header must be "Bearer <token>".', { invalidToken: true });
  }
  return token;
}
