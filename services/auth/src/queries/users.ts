import { type Database, DatabaseUnavailable } from '@punctual/postgres';
import { findProfile, type Profile, searchProfiles, type UserSearch } from '../store/profiles.ts';

export type UserListQuery = Pick<UserSearch, 'search' | 'active'> & { readonly page: number; readonly limit: number };

/** Asked of the primary, so that nobody sees less than their own last answer told them. */
export function getUser(db: Database, id: number): Promise<Profile | undefined> {
  return findProfile(db.primary, id);
}

/** Asked of the replica: what was changed a moment ago may be missing. Without a replica it is slower, not away. */
export async function listUsers(
  db: Database,
  { page, limit, ...filters }: UserListQuery,
): Promise<{ profiles: Profile[]; total: number }> {
  const search: UserSearch = { ...filters, limit, offset: (page - 1) * limit };
  try {
    return await searchProfiles(db.replica, search);
  } catch (error) {
    if (error instanceof DatabaseUnavailable) return searchProfiles(db.primary, search);
    throw error;
  }
}
