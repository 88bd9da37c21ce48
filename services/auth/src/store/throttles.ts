/**
 * Token buckets, one row each, that need no job to refill them: a row holds the instant at which its bucket will be full again,
 * by the database's clock. A token moves that instant one step further away; there is none left when it would be further
 * away than a whole window. A row whose instant has passed says what no row says, so it may be deleted.
 */
import { execute, one, type Queryable } from '@punctual/postgres';

export type Bucket = {
  readonly key: Buffer;
  /** Tokens of a full bucket. */
  readonly limit: number;
  /** In what time an empty bucket is full again. */
  readonly windowMs: number;
};

/**
 * Takes a token; returns 0, or the time in ms until there will be one. Of parallel takers as many succeed as there are tokens. The clock is
 * read after the wait for the others: by `now()`, who began before the bucket's first taker would find it fuller than it can be.
 */
export async function takeToken(queryable: Queryable, { key, limit, windowMs }: Bucket): Promise<number> {
  const stepMs = windowMs / limit;
  const taken = await execute(
    queryable,
    `INSERT INTO throttles AS bucket (key, full_at) VALUES (:key, clock_timestamp() + :stepMs * interval '1 millisecond')
     ON CONFLICT (key) DO UPDATE SET full_at = greatest(bucket.full_at, clock_timestamp()) + :stepMs * interval '1 millisecond'
     WHERE greatest(bucket.full_at, clock_timestamp()) + :stepMs * interval '1 millisecond'
       <= clock_timestamp() + :windowMs * interval '1 millisecond'`,
    { key, stepMs, windowMs },
  );
  if (taken > 0) return 0;
  const waiting = await one<{ waitMs: number }>(
    queryable,
    `SELECT (extract(epoch FROM full_at - clock_timestamp()) * 1000)::float8 + :stepMs - :windowMs AS "waitMs"
     FROM throttles WHERE key = :key`,
    { key, stepMs, windowMs },
  );
  return Math.max(1, Math.ceil(waiting?.waitMs ?? 0));
}

/** Puts a token back. */
export async function returnToken(queryable: Queryable, { key, limit, windowMs }: Bucket): Promise<void> {
  await execute(
    queryable,
    `UPDATE throttles SET full_at = full_at - :stepMs * interval '1 millisecond' WHERE key = :key`,
    { key, stepMs: windowMs / limit },
  );
}

export async function fillBucket(queryable: Queryable, key: Buffer): Promise<void> {
  await execute(queryable, 'DELETE FROM throttles WHERE key = :key', { key });
}

/** Deletes at most `limit` buckets that are full; returns how many. */
export function deleteFullBuckets(queryable: Queryable, limit: number): Promise<number> {
  return execute(
    queryable,
    'DELETE FROM throttles WHERE key IN (SELECT key FROM throttles WHERE full_at < now() LIMIT :limit)',
    { limit },
  );
}

/** Whether the address's user has logged in from this client address within `retentionMs`. */
export async function isUsualAddress(
  queryable: Queryable,
  { email, addressHash, retentionMs }: { email: string; addressHash: Buffer; retentionMs: number },
): Promise<boolean> {
  const found = await one(
    queryable,
    `SELECT 1 FROM users JOIN login_addresses ON login_addresses.user_id = users.id
     WHERE email = :email AND deleted_at IS NULL AND address_hash = :addressHash
       AND seen_at > now() - :retentionMs * interval '1 millisecond'`,
    { email, addressHash, retentionMs },
  );
  return found !== undefined;
}

/** Writes at most once in `refreshMs`. */
export async function rememberAddress(
  queryable: Queryable,
  { userId, addressHash, refreshMs }: { userId: number; addressHash: Buffer; refreshMs: number },
): Promise<void> {
  await execute(
    queryable,
    `INSERT INTO login_addresses AS known (user_id, address_hash) VALUES (:userId, :addressHash)
     ON CONFLICT (user_id, address_hash) DO UPDATE SET seen_at = now()
     WHERE known.seen_at < now() - :refreshMs * interval '1 millisecond'`,
    { userId, addressHash, refreshMs },
  );
}

/** Deletes at most `limit` client addresses not seen for `retentionMs`; returns how many. */
export function deleteOldAddresses(queryable: Queryable, retentionMs: number, limit: number): Promise<number> {
  return execute(
    queryable,
    `DELETE FROM login_addresses WHERE (user_id, address_hash) IN (
       SELECT user_id, address_hash FROM login_addresses
       WHERE seen_at < now() - :retentionMs * interval '1 millisecond'
       LIMIT :limit)`,
    { retentionMs, limit },
  );
}
