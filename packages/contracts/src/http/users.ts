import { z } from 'zod';
import { named } from '../documented.ts';
import { id, idText, instant, line, MAX_PAGE_SIZE, optionalText, pageQuery } from '../primitives.ts';
import { defineRoute } from '../route.ts';

/** One part of a person's name: on one line, since it ends up in mails. */
export const personName = line(100);

export const user = named(
  'User',
  z.object({
    id,
    email: z.string(),
    first_name: z.string().nullable(),
    last_name: z.string().nullable(),
    name: z.string().nullable().describe('First and last name together, null when neither is known.'),
    role: z.enum(['customer', 'admin']),
    active: z.boolean(),
    verified: z.boolean(),
    created_at: instant,
    updated_at: instant,
  }),
);
export type UserView = z.infer<typeof user>;

const profile = { first_name: personName.nullable().optional(), last_name: personName.nullable().optional() };
const PROFILE_CHANGE = { minProperties: 1, example: { first_name: 'Ada', last_name: null } };
const changesSomething = (body: object) => Object.keys(body).length > 0;

export const updateProfileBody = z
  .strictObject(profile)
  .refine(changesSomething, 'must change at least one field')
  .meta(PROFILE_CHANGE);
/** `active` is for admins: an account that is not active cannot log in. */
export const updateUserBody = z
  .strictObject({ ...profile, active: z.boolean().optional() })
  .refine(changesSomething, 'must change at least one field')
  .meta(PROFILE_CHANGE);

const byId = z.strictObject({ id: idText });
const tag = 'users';

export const usersQuery = z
  .strictObject({
    search: optionalText(200).optional().describe('Part of the address or of the name.'),
    active: z.enum(['true', 'false']).optional(),
    page: pageQuery.page,
    // Their defaults are taken off: a default for one would contradict the other.
    limit: pageQuery.limit.unwrap().optional().describe('How many entries a page has; 20 when missing.'),
    page_size: pageQuery.limit.unwrap().optional().describe('Another name for limit: state one of them.'),
  })
  .refine((query) => query.limit === undefined || query.page_size === undefined || query.limit === query.page_size, {
    path: ['page_size'],
    message: `is another name for limit (at most ${MAX_PAGE_SIZE}): state one of them`,
  });

export const listUsers = defineRoute({
  id: 'listUsers',
  method: 'get',
  path: '/users',
  tag,
  summary: 'All users, by id; deleted ones are gone',
  access: 'admin',
  query: usersQuery,
  success: { status: 200, schema: user },
  list: true,
  errors: ['VALIDATION_FAILED', 'UNAUTHENTICATED', 'FORBIDDEN'],
});

export const getMe = defineRoute({
  id: 'getMe',
  method: 'get',
  path: '/users/me',
  tag,
  summary: 'Who is logged in',
  access: 'user',
  success: { status: 200, schema: user },
  errors: ['UNAUTHENTICATED', 'NOT_FOUND'],
});

export const updateMe = defineRoute({
  id: 'updateMe',
  method: 'put',
  path: '/users/me',
  tag,
  summary: 'Change the own profile; a field that is not stated stays',
  access: 'user',
  body: updateProfileBody,
  success: { status: 200, schema: user },
  errors: ['VALIDATION_FAILED', 'UNAUTHENTICATED', 'FORBIDDEN', 'NOT_FOUND'],
});

export const getUser = defineRoute({
  id: 'getUser',
  method: 'get',
  path: '/users/:id',
  tag,
  summary: 'One user: oneself, or anyone for an admin; somebody else is not found',
  access: 'user',
  params: byId,
  success: { status: 200, schema: user },
  errors: ['VALIDATION_FAILED', 'UNAUTHENTICATED', 'NOT_FOUND'],
});

export const updateUser = defineRoute({
  id: 'updateUser',
  method: 'put',
  path: '/users/:id',
  tag,
  summary: 'Change a user: oneself, or anyone for an admin; only an admin changes active',
  access: 'user',
  params: byId,
  body: updateUserBody,
  success: { status: 200, schema: user },
  errors: ['VALIDATION_FAILED', 'UNAUTHENTICATED', 'FORBIDDEN', 'NOT_FOUND', 'ILLEGAL_TRANSITION'],
});

export const deleteUser = defineRoute({
  id: 'deleteUser',
  method: 'delete',
  path: '/users/:id',
  tag,
  summary: 'Delete a user: oneself, or anyone for an admin; ends every session and frees the address',
  access: 'user',
  params: byId,
  success: { status: 204 },
  errors: ['VALIDATION_FAILED', 'UNAUTHENTICATED', 'FORBIDDEN', 'NOT_FOUND', 'ILLEGAL_TRANSITION'],
});

export const userRoutes = [listUsers, getMe, updateMe, getUser, updateUser, deleteUser];
