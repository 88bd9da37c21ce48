import { userApi } from '@punctual/contracts';
import {
  type AppError,
  conflict,
  forbidden,
  handle,
  type Identity,
  type MountedRoute,
  notFound,
  pagingLinks,
} from '@punctual/http';
import {
  type ChangeUserDeps,
  deleteUser,
  type Refusal,
  type UpdateUserResult,
  updateUser,
} from '../commands/change-user.ts';
import { getUser, listUsers } from '../queries/users.ts';

const DEFAULT_PAGE_SIZE = 20;
const LAST_ADMIN_MESSAGE = 'This is the last active administrator. Make another one first, with admin:create.';

type ProfileView = Extract<UpdateUserResult, { decision: 'updated' }>['profile'];
type ProfileBody = { first_name?: string | null | undefined; last_name?: string | null | undefined };

/** `/users/me` stands before `/users/:id`, which would take it for an id. */
export function userRoutes(deps: ChangeUserDeps): MountedRoute[] {
  const { db } = deps;

  async function show(id: number): Promise<userApi.UserView> {
    const profile = await getUser(db, id);
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
    if (result.decision !== 'updated') throw refused(result.decision, id);
    return toView(result.profile);
  }

  return [
    handle(userApi.listUsers, async ({ query, req }) => {
      const { page, search, active } = query;
      const limit = query.limit ?? query.page_size ?? DEFAULT_PAGE_SIZE;
      const filters = { search, active: active === undefined ? undefined : active === 'true' };
      const { profiles, total } = await listUsers(db, { ...filters, page, limit });
      return { data: profiles.map(toView), paging: pagingLinks(req, { page, limit, totalItems: total }) };
    }),
    handle(userApi.getMe, ({ identity }) => show(identity.userId)),
    handle(userApi.updateMe, ({ identity, body }) => change(identity, identity.userId, body)),
    handle(userApi.getUser, ({ identity, params: { id } }) => {
      if (id !== identity.userId && identity.role !== 'admin') throw notFound('user', id);
      return show(id);
    }),
    handle(userApi.updateUser, ({ identity, params: { id }, body }) => change(identity, id, body)),
    handle(userApi.deleteUser, async ({ identity, params: { id } }) => {
      const result = await deleteUser(deps, { actorId: identity.userId, targetId: id });
      if (result !== 'deleted') throw refused(result, id);
    }),
  ];
}

function refused(refusal: Refusal, id: number): AppError {
  switch (refusal) {
    case 'not-found':
      return notFound('user', id);
    case 'deactivated':
      return forbidden('Your account is deactivated.');
    case 'not-admin':
      return forbidden('Only an administrator may change active.');
    case 'last-admin':
      return conflict('ILLEGAL_TRANSITION', LAST_ADMIN_MESSAGE);
    default:
      return refusal satisfies never;
  }
}

function toView(profile: ProfileView): userApi.UserView {
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
