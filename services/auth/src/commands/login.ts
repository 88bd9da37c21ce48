import { type Database, DatabaseUnavailable } from '@punctual/postgres';
import { isDemoLogin } from '../domain/demo-accounts.ts';
import { type Credentials, decideLogin, type LoginDecision } from '../domain/login.ts';
import type { Passwords } from '../security/passwords.ts';
import { drawRefreshToken, refreshTokenHash } from '../security/refresh-token.ts';
import { beginSession } from '../store/sessions.ts';
import { findCredentials } from '../store/users.ts';
import { type IssueDeps, type IssuedTokens, issueTokens } from './issue-tokens.ts';
import { admitLogin, type LoginOutcome, type ThrottleDeps } from './throttle.ts';

export type LoginDeps = IssueDeps &
  ThrottleDeps & {
    readonly passwords: Passwords;
    /** False where the published passwords of the demo accounts must not open anything. */
    readonly demoLoginsAllowed: boolean;
  };

type CheckResult =
  | { readonly decision: 'let-in'; readonly userId: number; readonly tokens: IssuedTokens }
  | { readonly decision: Exclude<LoginDecision, 'let-in'> };
export type LoginResult = CheckResult | { readonly decision: 'throttled'; readonly waitMs: number };

type Attempt = { readonly email: string; readonly password: string };
/** `address` is what throttles take for one client. */
type ClientAttempt = Attempt & { readonly address: string };

/** Hears an attempt unless there were too many wrong ones; then not even the right password is looked at. */
export async function login(deps: LoginDeps, { address, ...attempt }: ClientAttempt): Promise<LoginResult> {
  const admission = await admitLogin(deps, { email: attempt.email, address });
  if (!admission.admitted) return { decision: 'throttled', waitMs: admission.waitMs };
  let outcome: LoginOutcome = 'unheard';
  try {
    const result = await check(deps, attempt);
    if (result.decision === 'let-in') outcome = { letIn: result.userId };
    else outcome = result.decision === 'invalid-credentials' ? 'wrong' : 'right';
    return result;
  } finally {
    await admission.settle(outcome);
  }
}

/**
 * Looks at the replica first, since nearly every login succeeds there. The replica alone decides nothing: a session
 * begins only if the primary agrees with what was seen, and a refusal is given only after a look at the primary, so
 * that who has just registered or verified is never refused by a replica that lags.
 *
 * An unknown address costs what a wrong password costs: two looks and one hash.
 */
async function check(deps: LoginDeps, attempt: Attempt): Promise<CheckResult> {
  const seen = await findOnReplica(deps.db, attempt.email);
  const matches = await deps.passwords.verify(seen?.passwordHash, attempt.password);
  if (!deps.demoLoginsAllowed && isDemoLogin(attempt.email, attempt.password))
    return { decision: 'invalid-credentials' };

  if (seen !== undefined && decideLogin(seen, matches) === 'let-in') {
    const tokens = await begin(deps, seen);
    if (tokens !== undefined) return { decision: 'let-in', userId: seen.userId, tokens };
  }
  return decideOnPrimary(deps, attempt, { seen, matches });
}

async function decideOnPrimary(
  deps: LoginDeps,
  { email, password }: Attempt,
  { seen, matches }: { seen: Credentials | undefined; matches: boolean },
): Promise<CheckResult> {
  const user = await findCredentials(deps.db.primary, email);
  const sameHash = user?.passwordHash === seen?.passwordHash;
  const decision = decideLogin(user, sameHash ? matches : await deps.passwords.verify(user?.passwordHash, password));
  if (user === undefined || decision !== 'let-in') {
    return { decision: decision === 'let-in' ? 'invalid-credentials' : decision };
  }
  const tokens = await begin(deps, user);
  // The user changed between the look and the insert; whoever knows the new password may try again.
  return tokens === undefined
    ? { decision: 'invalid-credentials' }
    : { decision: 'let-in', userId: user.userId, tokens };
}

async function begin(deps: LoginDeps, seen: Credentials): Promise<IssuedTokens | undefined> {
  const refreshToken = drawRefreshToken();
  const token = { tokenHash: refreshTokenHash(refreshToken), ttlMs: deps.refreshTtlMs };
  const admitted = await beginSession(deps.db.primary, seen, token);
  return admitted === undefined ? undefined : issueTokens(deps, admitted, refreshToken);
}

async function findOnReplica(db: Database, email: string): Promise<Credentials | undefined> {
  try {
    return await findCredentials(db.replica, email);
  } catch (error) {
    // Without its replica the service is slower, not away.
    if (error instanceof DatabaseUnavailable) return findCredentials(db.primary, email);
    throw error;
  }
}
