import { Role, type User } from '@punctual/contracts/grpc/auth';
import { asAdmin, asUser, type GraphqlContext } from '../context.ts';
import { parseId } from '../scalars.ts';
import { given, type PageArgs, pageOf, present, windowOf } from './pages.ts';

type UsersArgs = PageArgs & { search?: string | null; active?: boolean | null };

export const userResolvers = {
  Query: {
    async me(_: unknown, _args: unknown, context: GraphqlContext) {
      const { user } = await context.services.users.getMe({}, asUser(context));
      return present(user, 'auth');
    },

    async user(_: unknown, { id }: { id: string }, context: GraphqlContext) {
      const caller = asUser(context);
      const { user } = await context.services.users.getUser({ id: parseId(id, 'id') }, caller);
      return present(user, 'auth');
    },

    async users(_: unknown, args: UsersArgs, context: GraphqlContext) {
      const { users, info } = await context.services.users.listUsers(
        { window: windowOf(args), search: given(args.search), active: given(args.active) },
        asAdmin(context),
      );
      return pageOf(users, info);
    },
  },

  User: {
    name({ firstName, lastName }: User) {
      const parts = [firstName, lastName].filter((part) => part !== undefined);
      return parts.length === 0 ? null : parts.join(' ');
    },
  },

  Role: { CUSTOMER: Role.CUSTOMER, ADMIN: Role.ADMIN },
};
