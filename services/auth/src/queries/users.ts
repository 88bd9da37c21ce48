import { type Database, DatabaseUnavailable } from '@punctual/postgres';
import {
  findProfile,
  findProfiles,
  type Profile,
  type Scope,
  searchProfiles,
  type UserSearch,
} from '../store/profiles.ts';

export type { Profile } from '../store/profiles.ts';

/** The most users that are asked for at once. */
export const MAX_USERS = 1_000;

/** Whom somebody may see: themselves, or everybody. */
export function scopeOf({ userId, role }: { readonly userId: number; readonly role: 'customer' | 'admin' }): Scope {
  return { userId: role === 'admin' ? 'any' : userId };
}

/** Asked of the primary, so that nobody sees less than their own last answer told them. Undefined for whom one may not see. */
export async function getUser(db: Database, id: number, scope: Scope): Promise<Profile | undefined> {
  return scope.userId === 'any' || scope.userId === id ? findProfile(db.primary, id) : undefined;
}

/** Those of at most MAX_USERS whom one may see, in no order; from the primary, for the same reason. */
export async function getUsers(db: Database, ids: readonly number[], scope: Scope): Promise<Profile[]> {
  if (ids.length > MAX_USERS) throw new RangeError(`more than ${MAX_USERS} users at once`);
  return findProfiles(db.primary, ids, scope);
}

/** Asked of the replica: what was changed a moment ago may be missing. Without a replica it is slower, not away. */
export async function listUsers(db: Database, search: UserSearch): Promise<{ profiles: Profile[]; total: number }> {
  try {
    return await searchProfiles(db.replica, search);
  } catch (error) {
    if (error instanceof DatabaseUnavailable) return searchProfiles(db.primary, search);
    throw error;
  }
}
