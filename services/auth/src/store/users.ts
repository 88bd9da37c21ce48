import { one, type Queryable, type Transaction } from '@punctual/postgres';
import type { Credentials, Role } from '../domain/login.ts';

export type NewUser = { readonly email: string; readonly passwordHash: string };

/** `createdAt` is absent when the address was known: nothing was written then, and `id` belongs to nobody. */
export type AddedUser = { readonly id: number; readonly createdAt: Date | null };

/**
 * Takes an id first and then tries to insert under it, so that a known address costs and answers what an unknown one
 * does.
 */
export async function addUser(tx: Transaction, user: NewUser): Promise<AddedUser> {
  const added = await one<AddedUser>(
    tx,
    `WITH fresh AS (SELECT nextval(pg_get_serial_sequence('users', 'id')) AS id),
     inserted AS (
       INSERT INTO users (id, email, password_hash)
       SELECT id, :email, :passwordHash FROM fresh
       ON CONFLICT (email) WHERE deleted_at IS NULL DO NOTHING
       RETURNING created_at)
     SELECT fresh.id, inserted.created_at AS "createdAt" FROM fresh LEFT JOIN inserted ON true`,
    { email: user.email, passwordHash: user.passwordHash },
  );
  if (added === undefined) throw new Error('a sequence has no next value');
  return added;
}

/** A user who needs no code. Undefined when the address is known. */
export function addVerifiedUser(
  tx: Transaction,
  user: NewUser & { readonly role: Role },
): Promise<{ id: number; createdAt: Date } | undefined> {
  return one(
    tx,
    `INSERT INTO users (email, password_hash, role, verified_at)
     VALUES (:email, :passwordHash, :role, now())
     ON CONFLICT (email) WHERE deleted_at IS NULL DO NOTHING
     RETURNING id, created_at AS "createdAt"`,
    { email: user.email, passwordHash: user.passwordHash, role: user.role },
  );
}

/**
 * The id of a user who exists and is not verified yet, locked: everything that sends, tries or uses codes locks the
 * user first, so that parallel requests of one user take turns and never deadlock.
 */
export async function lockUnverified(tx: Transaction, email: string): Promise<number | undefined> {
  const user = await one<{ id: number }>(
    tx,
    `SELECT id FROM users
     WHERE email = :email AND verified_at IS NULL AND deleted_at IS NULL
     FOR NO KEY UPDATE`,
    { email },
  );
  return user?.id;
}

export type LockedUser = {
  readonly id: number;
  readonly role: Role;
  readonly active: boolean;
  readonly verified: boolean;
};

export function lockUser(tx: Transaction, email: string): Promise<LockedUser | undefined> {
  return one(
    tx,
    `SELECT id, role, active, verified_at IS NOT NULL AS verified FROM users
     WHERE email = :email AND deleted_at IS NULL
     FOR NO KEY UPDATE`,
    { email },
  );
}

/** Makes a verified admin of a user whom the caller has locked; null leaves the password. */
export async function promote(
  tx: Transaction,
  userId: number,
  passwordHash: string | null,
): Promise<{ id: number; updatedAt: Date }> {
  const promoted = await one<{ id: number; updatedAt: Date }>(
    tx,
    `UPDATE users
     SET role = 'admin', verified_at = coalesce(verified_at, now()), updated_at = now(),
         password_hash = coalesce(CAST(:passwordHash AS text), password_hash)
     WHERE id = :userId
     RETURNING id, updated_at AS "updatedAt"`,
    { userId, passwordHash },
  );
  if (promoted === undefined) throw new Error('a locked user has disappeared');
  return promoted;
}

/** The caller has locked the user and seen that it is not verified. */
export async function markVerified(tx: Transaction, userId: number): Promise<Date> {
  const verified = await one<{ verifiedAt: Date }>(
    tx,
    `UPDATE users SET verified_at = now(), updated_at = now() WHERE id = :userId RETURNING verified_at AS "verifiedAt"`,
    { userId },
  );
  if (verified === undefined) throw new Error('a locked user has disappeared');
  return verified.verifiedAt;
}

/** On the replica this may be older than what the primary knows: good enough to let in conditionally, never to refuse. */
export function findCredentials(queryable: Queryable, email: string): Promise<Credentials | undefined> {
  return one(
    queryable,
    `SELECT id AS "userId", email, password_hash AS "passwordHash", role,
            verified_at IS NOT NULL AS verified, active
     FROM users WHERE email = :email AND deleted_at IS NULL`,
    { email },
  );
}
