import { execute, one, type Queryable, type Transaction } from '@punctual/postgres';
import type { Role } from '../domain/login.ts';
import type { RefusedRefresh } from '../domain/session.ts';

export type NewRefreshToken = { readonly tokenHash: Buffer; readonly ttlMs: number };

/** Whom the primary has let in, and when by its clock. */
export type Admitted = {
  readonly userId: number;
  readonly email: string;
  readonly role: Role;
  readonly issuedAt: Date;
};

/**
 * Begins a session if the primary agrees with what the caller has seen of the user, wherever it has seen it; undefined
 * when the password has changed, or the user is deleted, deactivated or not verified. The lock makes it take turns with
 * what ends all of a user's sessions: that either comes first and is seen here, or comes later and sees this session.
 */
export function beginSession(
  primary: Queryable,
  seen: { readonly userId: number; readonly passwordHash: string },
  token: NewRefreshToken,
): Promise<Admitted | undefined> {
  return one(
    primary,
    `WITH admitted AS (
       SELECT id, email, role FROM users
       WHERE id = :userId AND password_hash = :passwordHash
         AND verified_at IS NOT NULL AND active AND deleted_at IS NULL
       FOR SHARE),
     session AS (INSERT INTO sessions (user_id) SELECT id FROM admitted RETURNING id),
     token AS (
       INSERT INTO refresh_tokens (token_hash, session_id, expires_at)
       SELECT :tokenHash, id, now() + :ttlMs * interval '1 millisecond' FROM session
       RETURNING issued_at)
     SELECT admitted.id AS "userId", admitted.email, admitted.role, token.issued_at AS "issuedAt"
     FROM admitted, token`,
    { userId: seen.userId, passwordHash: seen.passwordHash, tokenHash: token.tokenHash, ttlMs: token.ttlMs },
  );
}

/**
 * Spends a token and adds the next one of its family in one statement, so that of parallel requests one wins. The
 * instant of spending is the clock's, not the transaction's start: `refusedRefresh` compares beginnings with it.
 */
export function rotateToken(
  tx: Transaction,
  oldTokenHash: Buffer,
  next: NewRefreshToken,
): Promise<Admitted | undefined> {
  return one(
    tx,
    `WITH spent AS (
       UPDATE refresh_tokens SET used_at = clock_timestamp()
       FROM sessions JOIN users ON users.id = sessions.user_id
       WHERE refresh_tokens.token_hash = :oldTokenHash AND refresh_tokens.session_id = sessions.id
         AND refresh_tokens.used_at IS NULL AND refresh_tokens.expires_at > now() AND sessions.revoked_at IS NULL
         AND users.verified_at IS NOT NULL AND users.active AND users.deleted_at IS NULL
       RETURNING refresh_tokens.session_id, users.id, users.email, users.role),
     token AS (
       INSERT INTO refresh_tokens (token_hash, session_id, expires_at)
       SELECT :tokenHash, session_id, now() + :ttlMs * interval '1 millisecond' FROM spent
       RETURNING issued_at)
     SELECT spent.id AS "userId", spent.email, spent.role, token.issued_at AS "issuedAt" FROM spent, token`,
    { oldTokenHash, tokenHash: next.tokenHash, ttlMs: next.ttlMs },
  );
}

/**
 * Why a token could not be spent; undefined when it is unknown. Called in the transaction that could not spend it: when
 * that began before the token was spent, in whatever process, the request is a twin.
 */
export function refusedRefresh(
  tx: Transaction,
  tokenHash: Buffer,
): Promise<(RefusedRefresh & { sessionId: number }) | undefined> {
  return one(
    tx,
    `SELECT sessions.id AS "sessionId",
            used_at IS NOT NULL AS spent,
            coalesce(used_at > now(), false) AS twin,
            revoked_at IS NOT NULL AS revoked
     FROM refresh_tokens JOIN sessions ON sessions.id = refresh_tokens.session_id
     WHERE token_hash = :tokenHash`,
    { tokenHash },
  );
}

/** The first reason stays. */
export async function revokeSession(queryable: Queryable, sessionId: number, reason: 'reuse'): Promise<void> {
  await execute(
    queryable,
    'UPDATE sessions SET revoked_at = now(), revoked_reason = :reason WHERE id = :sessionId AND revoked_at IS NULL',
    { sessionId, reason },
  );
}

/** Ends the session that a token belongs to, whatever the token's state; nothing happens when it is unknown. */
export async function endSession(queryable: Queryable, tokenHash: Buffer): Promise<void> {
  await execute(
    queryable,
    `UPDATE sessions SET revoked_at = now(), revoked_reason = 'logout'
     WHERE revoked_at IS NULL AND id = (SELECT session_id FROM refresh_tokens WHERE token_hash = :tokenHash)`,
    { tokenHash },
  );
}

/** Ends all sessions of a user, whom the caller has locked. */
export async function endSessionsOf(
  tx: Transaction,
  userId: number,
  reason: 'deactivated' | 'deleted' | 'password',
): Promise<void> {
  await execute(
    tx,
    'UPDATE sessions SET revoked_at = now(), revoked_reason = :reason WHERE user_id = :userId AND revoked_at IS NULL',
    { userId, reason },
  );
}

/** Deletes at most `limit` tokens that expired longer than `retentionMs` ago; returns how many. */
export function deleteOldTokens(queryable: Queryable, retentionMs: number, limit: number): Promise<number> {
  return execute(
    queryable,
    `DELETE FROM refresh_tokens WHERE token_hash IN (
       SELECT token_hash FROM refresh_tokens
       WHERE expires_at < now() - :retentionMs * interval '1 millisecond'
       LIMIT :limit)`,
    { retentionMs, limit },
  );
}

/** Deletes at most `limit` sessions of which no token is left; returns how many. */
export function deleteEmptySessions(queryable: Queryable, retentionMs: number, limit: number): Promise<number> {
  return execute(
    queryable,
    `DELETE FROM sessions WHERE id IN (
       SELECT id FROM sessions
       WHERE created_at < now() - :retentionMs * interval '1 millisecond'
         AND NOT EXISTS (SELECT FROM refresh_tokens WHERE session_id = sessions.id)
       LIMIT :limit)`,
    { retentionMs, limit },
  );
}
