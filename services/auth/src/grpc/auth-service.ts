import { authApi } from '@punctual/contracts';
import type { AuthServiceImplementation } from '@punctual/contracts/grpc/auth';
import { type CallExtra, clientAddressOf, parseMessage } from '@punctual/grpc';
import type { AccountRequests } from '../commands/account-requests.ts';

/** Registration, verification and sessions; for everybody, so that throttles go by where a call comes from. */
export function authService(accounts: AccountRequests): AuthServiceImplementation<CallExtra> {
  return {
    async register({ email, password }, call) {
      const body = parseMessage(authApi.registerBody, { email, password });
      return await accounts.register({ ...body, clientAddress: clientAddressOf(call) });
    },
    async verify(request, call) {
      const body = { email: request.email, verification_token: request.verificationToken };
      const { email, verification_token: code } = parseMessage(authApi.verifyBody, body);
      return await accounts.verify({ email, code, clientAddress: clientAddressOf(call) });
    },
    async resendVerification(request) {
      const { email } = parseMessage(authApi.resendBody, { email: request.email });
      return { message: await accounts.resendVerification(email) };
    },
    async login({ email, password }, call) {
      const body = parseMessage(authApi.loginBody, { email, password });
      return { tokens: await accounts.login({ ...body, clientAddress: clientAddressOf(call) }) };
    },
    async refresh({ refreshToken }) {
      const body = parseMessage(authApi.refreshBody, { refresh_token: refreshToken });
      return { tokens: await accounts.refresh(body.refresh_token) };
    },
    async logout({ refreshToken }) {
      const body = parseMessage(authApi.refreshBody, { refresh_token: refreshToken });
      await accounts.logout(body.refresh_token);
      return {};
    },
  };
}
