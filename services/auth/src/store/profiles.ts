import { one, type Queryable, rows, type Transaction } from '@punctual/postgres';
import type { Role } from '../domain/login.ts';
import type { Account } from '../domain/user.ts';

export type Profile = {
  readonly id: number;
  readonly email: string;
  readonly firstName: string | null;
  readonly lastName: string | null;
  readonly role: Role;
  readonly active: boolean;
  readonly verified: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
};

/** A field that is undefined stays; a name that is null is taken away. */
export type ProfileChange = {
  readonly firstName?: string | null | undefined;
  readonly lastName?: string | null | undefined;
  readonly active?: boolean | undefined;
};

/** Whom a caller may see: one user, or everybody. */
export type Scope = { readonly userId: number | 'any' };

export type UserSearch = {
  /** Part of the address or of the name, taken literally. */
  readonly search?: string | undefined;
  readonly active?: boolean | undefined;
  readonly limit: number;
  readonly offset: number;
};

const COLUMNS = `id, email, first_name AS "firstName", last_name AS "lastName", role, active,
  verified_at IS NOT NULL AS verified, created_at AS "createdAt", updated_at AS "updatedAt"`;
const FILTER = `deleted_at IS NULL
  AND (CAST(:active AS boolean) IS NULL OR active = :active)
  AND (CAST(:pattern AS text) IS NULL OR email ILIKE :pattern OR concat_ws(' ', first_name, last_name) ILIKE :pattern)`;

/** Undefined when there is no such user, or not any more. */
export function findProfile(queryable: Queryable, id: number): Promise<Profile | undefined> {
  return one(queryable, `SELECT ${COLUMNS} FROM users WHERE id = :id AND deleted_at IS NULL`, { id });
}

/** Those of the ids that there are in scope, in no order. */
export function findProfiles(queryable: Queryable, ids: readonly number[], { userId }: Scope): Promise<Profile[]> {
  return rows(
    queryable,
    `SELECT ${COLUMNS} FROM users
     WHERE id = ANY(CAST(:ids AS bigint[])) AND deleted_at IS NULL
       AND (CAST(:userId AS bigint) IS NULL OR id = CAST(:userId AS bigint))`,
    { ids: [...ids], userId: userId === 'any' ? null : userId },
  );
}

/** One window in the order of ids, which never change, and how many there are in all. */
export async function searchProfiles(
  queryable: Queryable,
  { search = '', active, limit, offset }: UserSearch,
): Promise<{ profiles: Profile[]; total: number }> {
  const filter = { active: active ?? null, pattern: search === '' ? null : `%${literal(search)}%` };
  const counted = await one<{ total: number }>(
    queryable,
    `SELECT count(*)::int AS total FROM users WHERE ${FILTER}`,
    filter,
  );
  const profiles = await rows<Profile>(
    queryable,
    `SELECT ${COLUMNS} FROM users WHERE ${FILTER} ORDER BY id LIMIT :limit OFFSET :offset`,
    { ...filter, limit, offset },
  );
  return { profiles, total: counted?.total ?? 0 };
}

export type LockedAccounts = {
  readonly actor: Account | undefined;
  readonly target: Account | undefined;
  readonly otherAdmins: number;
};

/**
 * Locks who asks, who is to be changed and, when that is an admin, every admin who can log in; always in the order of ids.
 * So two admins who remove each other take turns, and the second one finds that it is the last.
 */
export async function lockAccounts(
  tx: Transaction,
  { actorId, targetId }: { readonly actorId: number; readonly targetId: number },
): Promise<LockedAccounts> {
  const locked = await rows<Account & { verified: boolean }>(
    tx,
    `SELECT id, role, active, verified_at IS NOT NULL AS verified FROM users
     WHERE deleted_at IS NULL
       AND (id IN (:actorId, :targetId)
         OR (role = 'admin' AND active AND verified_at IS NOT NULL
           AND (SELECT role FROM users WHERE id = :targetId) = 'admin'))
     ORDER BY id
     FOR NO KEY UPDATE`,
    { actorId, targetId },
  );
  return {
    actor: locked.find(({ id }) => id === actorId),
    target: locked.find(({ id }) => id === targetId),
    otherAdmins: locked.filter(
      ({ id, role, active, verified }) => id !== targetId && role === 'admin' && active && verified,
    ).length,
  };
}

/** Undefined when nothing is different from what it was. The caller has locked the user. */
export function changeProfile(tx: Transaction, id: number, change: ProfileChange): Promise<Profile | undefined> {
  const { firstName, lastName, active } = change;
  return one(
    tx,
    `WITH wanted AS (
       SELECT CASE WHEN :setsFirstName THEN CAST(:firstName AS text) ELSE first_name END AS first_name,
              CASE WHEN :setsLastName THEN CAST(:lastName AS text) ELSE last_name END AS last_name,
              coalesce(CAST(:active AS boolean), active) AS active
       FROM users WHERE id = :id)
     UPDATE users
     SET first_name = wanted.first_name, last_name = wanted.last_name, active = wanted.active, updated_at = now()
     FROM wanted
     WHERE id = :id AND (users.first_name, users.last_name, users.active)
       IS DISTINCT FROM (wanted.first_name, wanted.last_name, wanted.active)
     RETURNING id, email, users.first_name AS "firstName", users.last_name AS "lastName", role, users.active,
       verified_at IS NOT NULL AS verified, created_at AS "createdAt", updated_at AS "updatedAt"`,
    {
      id,
      setsFirstName: firstName !== undefined,
      firstName: firstName ?? null,
      setsLastName: lastName !== undefined,
      lastName: lastName ?? null,
      active: active ?? null,
    },
  );
}

/** The row stays, for what refers to it; the address is free. The caller has locked the user. */
export async function markDeleted(tx: Transaction, id: number): Promise<Date> {
  const deleted = await one<{ deletedAt: Date }>(
    tx,
    `UPDATE users SET deleted_at = now(), updated_at = now() WHERE id = :id RETURNING deleted_at AS "deletedAt"`,
    { id },
  );
  if (deleted === undefined) throw new Error('a locked user has disappeared');
  return deleted.deletedAt;
}

/** What LIKE takes for patterns stands for itself. */
function literal(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&');
}
