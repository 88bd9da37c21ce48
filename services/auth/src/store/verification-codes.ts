import { execute, one, type Queryable, type Transaction } from '@punctual/postgres';
import type { CodeHistory } from '../domain/verification-code.ts';

export type NewCode = {
  readonly userId: number;
  readonly codeHash: Buffer;
  readonly ttlMs: number;
  readonly tries: number;
};

/** The caller has locked the user, so nobody else adds a code meanwhile. */
export async function codeHistory(tx: Transaction, userId: number, windowMs: number): Promise<CodeHistory> {
  const history = await one<{ sentInWindow: number; sinceLastMs: number | null }>(
    tx,
    `SELECT count(*)::int AS "sentInWindow",
            (extract(epoch FROM now() - max(sent_at)) * 1000)::float8 AS "sinceLastMs"
     FROM verification_codes
     WHERE user_id = :userId AND sent_at > now() - :windowMs * interval '1 millisecond'`,
    { userId, windowMs },
  );
  return { sentInWindow: history?.sentInWindow ?? 0, sinceLastMs: history?.sinceLastMs ?? undefined };
}

/** Replaces the user's active code, if there is one. The caller has locked the user. */
export async function addCode(tx: Transaction, code: NewCode): Promise<{ id: number; expiresAt: Date }> {
  const { userId, codeHash, ttlMs, tries } = code;
  await execute(tx, `UPDATE verification_codes SET state = 'replaced' WHERE user_id = :userId AND state = 'active'`, {
    userId,
  });
  const added = await one<{ id: number; expiresAt: Date }>(
    tx,
    `INSERT INTO verification_codes (user_id, code_hash, tries_left, expires_at)
     VALUES (:userId, :codeHash, :tries, now() + :ttlMs * interval '1 millisecond')
     RETURNING id, expires_at AS "expiresAt"`,
    { userId, codeHash, ttlMs, tries },
  );
  if (added === undefined) throw new Error('an insert returned no row');
  return added;
}

/**
 * Pays for one guess and hands out what to compare it with; undefined when there is no code that could be right. The
 * payment must be committed whether or not the guess was right.
 */
export function spendTry(tx: Transaction, userId: number): Promise<{ id: number; codeHash: Buffer } | undefined> {
  return one(
    tx,
    `UPDATE verification_codes SET tries_left = tries_left - 1
     WHERE user_id = :userId AND state = 'active' AND tries_left > 0 AND expires_at > now()
     RETURNING id, code_hash AS "codeHash"`,
    { userId },
  );
}

export async function useCode(tx: Transaction, codeId: number): Promise<void> {
  await execute(tx, `UPDATE verification_codes SET state = 'used' WHERE id = :codeId`, { codeId });
}

/** Deletes at most `limit` codes that ended longer than `retentionMs` ago; returns how many. */
export function deleteOldCodes(queryable: Queryable, retentionMs: number, limit: number): Promise<number> {
  return execute(
    queryable,
    `DELETE FROM verification_codes WHERE id IN (
       SELECT id FROM verification_codes
       WHERE expires_at < now() - :retentionMs * interval '1 millisecond'
       LIMIT :limit)`,
    { retentionMs, limit },
  );
}
