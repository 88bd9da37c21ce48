import { userApi } from '@punctual/contracts';
import { handle, type Identity, type MountedRoute, notFound, pagingLinks, windowOf } from '@punctual/http';
import { type ChangeUserDeps, deleteUser, updateUser } from '../commands/change-user.ts';
import { changeRefused } from '../commands/refusals.ts';
import { getUser, listUsers, type Profile, scopeOf } from '../queries/users.ts';

const DEFAULT_PAGE_SIZE = 20;

type ProfileBody = { first_name?: string | null | undefined; last_name?: string | null | undefined };

/** `/users/me` stands before `/users/:id`, which would take it for an id. */
export function userRoutes(deps: ChangeUserDeps): MountedRoute[] {
  const { db } = deps;

  async function show(id: number, identity: Identity): Promise<userApi.UserView> {
    const profile = await getUser(db, id, scopeOf(identity));
    if (profile === undefined) throw notFound('user', id);
    return toView(profile);
  }

  async function change(identity: Identity, id: number, body: ProfileBody & { active?: boolean | undefined }) {
    const concerned = { actorId: identity.userId, targetId: id };
    const result = await updateUser(deps, concerned, {
      firstName: body.first_name,
      lastName: body.last_name,
      active: body.active,
    });
    if (result.decision !== 'updated') throw changeRefused(result.decision, id);
    return toView(result.profile);
  }

  return [
    handle(userApi.listUsers, async ({ query, req }) => {
      const { page, search, active } = query;
      const limit = query.limit ?? query.page_size ?? DEFAULT_PAGE_SIZE;
      const filters = { search, active: active === undefined ? undefined : active === 'true' };
      const { profiles, total } = await listUsers(db, { ...filters, ...windowOf({ page, limit }) });
      return { data: profiles.map(toView), paging: pagingLinks(req, { page, limit, totalItems: total }) };
    }),
    handle(userApi.getMe, ({ identity }) => show(identity.userId, identity)),
    handle(userApi.updateMe, ({ identity, body }) => change(identity, identity.userId, body)),
    handle(userApi.getUser, ({ identity, params: { id } }) => show(id, identity)),
    handle(userApi.updateUser, ({ identity, params: { id }, body }) => change(identity, id, body)),
    handle(userApi.deleteUser, async ({ identity, params: { id } }) => {
      const result = await deleteUser(deps, { actorId: identity.userId, targetId: id });
      if (result !== 'deleted') throw changeRefused(result, id);
    }),
  ];
}

function toView(profile: Profile): userApi.UserView {
  const { id, email, firstName, lastName, role, active, verified, createdAt, updatedAt } = profile;
  return {
    id,
    email,
    first_name: firstName,
    last_name: lastName,
    name: [firstName, lastName].filter((part) => part !== null).join(' ') || null,
    role,
    active,
    verified,
    created_at: createdAt.toISOString(),
    updated_at: updatedAt.toISOString(),
  };
}
