import { forbidden, type Identity, unauthenticated, type Verifier } from '@punctual/http';
import { type AccessRule, createAccessTable } from './access-table.ts';

/** Longer than any token of ours; the verifier has a bound of its own. */
const BEARER = /^bearer +([A-Za-z0-9\-._~+/]+=*)$/i;

const MS_PER_SECOND = 1_000;

/** The identity that an Authorization header proves; undefined without the header. Throws 401, or 503 when no keys are known. */
export async function identify(verifier: Verifier, authorization: string | undefined): Promise<Identity | undefined> {
  if (authorization === undefined) return undefined;
  const token = BEARER.exec(authorization)?.[1];
  if (token === undefined) {
    throw unauthenticated('The Authorization header must be "Bearer <token>".', { invalidToken: true });
  }
  return verifier.verify(token);
}

/** When a verified token ends, in milliseconds since the epoch; 0 without one. */
export function tokenExpiryMs(authorization: string | undefined): number {
  const [, claims] = (BEARER.exec(authorization ?? '')?.[1] ?? '').split('.');
  if (claims === undefined) return 0;
  const { exp }: { exp?: unknown } = JSON.parse(Buffer.from(claims, 'base64url').toString());
  return Number(exp) * MS_PER_SECOND;
}

/** Throws 401 or 403 when the contract of the route asks for more than the caller has shown. */
export function createAuthorizer(rules: readonly AccessRule[]) {
  const table = createAccessTable(rules);
  return function authorize(method: string, segments: readonly string[], identity: Identity | undefined): void {
    const access = table.find(method, segments);
    if (access === undefined || access === 'public') return;
    if (identity === undefined) throw unauthenticated();
    if (access === 'admin' && identity.role !== 'admin') throw forbidden('Only an administrator may do this.');
  };
}
