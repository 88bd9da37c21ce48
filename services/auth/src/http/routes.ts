import { authApi } from '@punctual/contracts';
import { handle, type MountedRoute, reply } from '@punctual/http';
import type { AccountRequests } from '../commands/account-requests.ts';
import type { IssuedTokens } from '../commands/issue-tokens.ts';
import type { SigningKeys } from '../security/signing-keys.ts';
import { clientAddress } from './client-address.ts';

const KEYS_CACHE_CONTROL = 'public, max-age=300';

export type AuthRoutesOptions = { readonly accounts: AccountRequests; readonly keys: SigningKeys };

export function authRoutes({ accounts, keys }: AuthRoutesOptions): MountedRoute[] {
  const keySet = JSON.stringify(keys.publicKeys);
  return [
    handle(authApi.register, ({ body, req }) => accounts.register({ ...body, clientAddress: clientAddress(req) })),
    handle(authApi.verify, ({ body: { email, verification_token: code }, req }) =>
      accounts.verify({ email, code, clientAddress: clientAddress(req) }),
    ),
    handle(authApi.resendVerification, async ({ body: { email } }) => ({
      message: await accounts.resendVerification(email),
    })),
    handle(authApi.login, async ({ body, req }) =>
      tokensBody(await accounts.login({ ...body, clientAddress: clientAddress(req) })),
    ),
    handle(authApi.refresh, async ({ body }) => tokensBody(await accounts.refresh(body.refresh_token))),
    handle(authApi.logout, ({ body }) => accounts.logout(body.refresh_token)),
    handle(authApi.jwks, () => reply({ headers: { 'cache-control': KEYS_CACHE_CONTROL }, bodyText: keySet })),
  ];
}

function tokensBody(tokens: IssuedTokens) {
  return {
    access_token: tokens.accessToken,
    refresh_token: tokens.refreshToken,
    token_type: 'Bearer' as const,
    expires_in: tokens.expiresInSeconds,
  };
}
