import type { Tokens } from '@punctual/contracts/grpc/auth';
import { asAnybody, forWriting, type GraphqlContext } from '../context.ts';
import { present } from './pages.ts';

type Input<Fields> = { input: Fields };
type Credentials = { email: string; password: string };

/** Anybody may try these; the throttles of the auth service count each field by the client's address. */
export const authResolvers = {
  Mutation: {
    register: (_: unknown, { input }: Input<Credentials>, context: GraphqlContext) =>
      context.services.auth.register(input, anybodyWriting(context)),

    verify: (_: unknown, { input }: Input<{ email: string; verificationToken: string }>, context: GraphqlContext) =>
      context.services.auth.verify(input, anybodyWriting(context)),

    resendVerification: (_: unknown, { input }: Input<{ email: string }>, context: GraphqlContext) =>
      context.services.auth.resendVerification(input, anybodyWriting(context)),

    async login(_: unknown, { input }: Input<Credentials>, context: GraphqlContext) {
      const { tokens } = await context.services.auth.login(input, anybodyWriting(context));
      return tokensView(present(tokens, 'auth'));
    },

    async refresh(_: unknown, { input }: Input<{ refreshToken: string }>, context: GraphqlContext) {
      const { tokens } = await context.services.auth.refresh(input, anybodyWriting(context));
      return tokensView(present(tokens, 'auth'));
    },

    async logout(_: unknown, { input }: Input<{ refreshToken: string }>, context: GraphqlContext) {
      await context.services.auth.logout(input, anybodyWriting(context));
      return true;
    },
  },
};

function anybodyWriting(context: GraphqlContext) {
  return forWriting(context, asAnybody(context));
}

function tokensView({ accessToken, refreshToken, expiresInSeconds }: Tokens) {
  return { accessToken, refreshToken, tokenType: 'Bearer', expiresIn: expiresInSeconds };
}
