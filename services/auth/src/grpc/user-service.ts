import { userApi } from '@punctual/contracts';
import { Role, type User, type UserServiceImplementation } from '@punctual/contracts/grpc/auth';
import {
  type CallExtra,
  parseId,
  parseIds,
  parseMessage,
  parseWindow,
  requireAdmin,
  requireIdentity,
} from '@punctual/grpc';
import { type Identity, notFound } from '@punctual/http';
import type { Database } from '@punctual/postgres';
import { getUser, getUsers, listUsers, type Profile, scopeOf } from '../queries/users.ts';

const ROLES = { customer: Role.CUSTOMER, admin: Role.ADMIN } as const satisfies Record<Profile['role'], Role>;

export function userService(db: Database): UserServiceImplementation<CallExtra> {
  async function show(id: number, identity: Identity): Promise<{ user: User }> {
    const profile = await getUser(db, id, scopeOf(identity));
    if (profile === undefined) throw notFound('user', id);
    return { user: userMessage(profile) };
  }

  return {
    async getMe(_request, call) {
      const identity = await requireIdentity(call);
      return await show(identity.userId, identity);
    },
    async getUser(request, call) {
      const identity = await requireIdentity(call);
      return await show(parseId(request.id), identity);
    },
    async batchGetUsers(request, call) {
      const identity = await requireIdentity(call);
      const profiles = await getUsers(db, parseIds(request.ids), scopeOf(identity));
      return { users: profiles.map(userMessage) };
    },
    async listUsers({ window, search, active }, call) {
      await requireAdmin(call);
      const { limit, offset } = parseWindow(window);
      const query = parseMessage(userApi.usersQuery, { search });
      const { profiles, total } = await listUsers(db, { search: query.search, active, limit, offset });
      const info = { total, totalIsExact: true, hasMore: offset + profiles.length < total };
      return { users: profiles.map(userMessage), info };
    },
  };
}

function userMessage({ firstName, lastName, role, ...profile }: Profile): User {
  return { ...profile, firstName: firstName ?? undefined, lastName: lastName ?? undefined, role: ROLES[role] };
}
