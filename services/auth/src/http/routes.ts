import { authApi } from '@punctual/contracts';
import {
  AppError,
  forbidden,
  handle,
  type MountedRoute,
  rateLimited,
  reply,
  unauthenticated,
  unavailable,
} from '@punctual/http';
import type { Logger, Metrics } from '@punctual/telemetry';
import type { IssuedTokens } from '../commands/issue-tokens.ts';
import { type LoginDeps, login } from '../commands/login.ts';
import { logout } from '../commands/logout.ts';
import { type RefreshDeps, refresh } from '../commands/refresh.ts';
import { hearRegistration, type RegisterDeps } from '../commands/register.ts';
import { type ResendDeps, resendVerification } from '../commands/resend-verification.ts';
import { type VerifyDeps, verify } from '../commands/verify.ts';
import { PasswordsOverloaded } from '../security/passwords.ts';
import type { SigningKeys } from '../security/signing-keys.ts';
import { clientAddress } from './client-address.ts';
import { noSoonerThan } from './uniform-time.ts';

const KEYS_CACHE_CONTROL = 'public, max-age=300';
const OVERLOAD_RETRY_SECONDS = 2;
const RESEND_MESSAGE = 'If the address is registered and not verified yet, a new code is on its way to it.';
const INVALID_CODE_MESSAGE =
  'The code is not valid. Enter the newest code from your mail, or ask for a new one at POST /auth/resend-verification.';
const THROTTLED_MESSAGE = 'Too many attempts have failed. Wait before the next one.';
const REGISTRATIONS_THROTTLED_MESSAGE = 'Too many registrations came from this address. Wait before the next one.';
const DEACTIVATED_MESSAGE = 'This account is deactivated. Ask the shop about it.';
const NOT_VERIFIED_MESSAGE =
  'The address is not verified yet. Enter the code from the mail at POST /auth/verify, or ask for a new one at POST /auth/resend-verification.';

export type AuthDeps = RegisterDeps &
  ResendDeps &
  VerifyDeps &
  LoginDeps &
  RefreshDeps & {
    readonly keys: SigningKeys;
    readonly uniformAnswerMs: number;
    readonly logger: Logger;
    readonly metrics: Metrics;
  };

export function authRoutes(deps: AuthDeps): MountedRoute[] {
  const { uniformAnswerMs, logger } = deps;
  const outcomes = deps.metrics.counter({
    name: 'auth_requests_total',
    help: 'Registrations, verifications, logins and refreshes by outcome',
    labelNames: ['operation', 'outcome'],
  });
  const count = (operation: string, outcome: string): void => outcomes.inc({ operation, outcome });
  const keySet = JSON.stringify(deps.keys.publicKeys);

  return [
    handle(authApi.register, async ({ body, req }) => {
      const registration = { ...body, address: clientAddress(req) };
      const result = await noSoonerThan(uniformAnswerMs, () => hearRegistration(deps, registration));
      count('register', result.decision);
      if (result.decision === 'throttled') throw rateLimited(result.waitMs / 1_000, REGISTRATIONS_THROTTLED_MESSAGE);
      return result.user;
    }),
    handle(authApi.verify, async ({ body: { email, verification_token: code }, req }) => {
      const guess = { email, code, address: clientAddress(req) };
      const result = await noSoonerThan(uniformAnswerMs, () => verify(deps, guess));
      count('verify', result.decision);
      if (result.decision === 'throttled') throw rateLimited(result.waitMs / 1_000, THROTTLED_MESSAGE);
      if (result.decision === 'refused') throw new AppError({ code: 'INVALID_CODE', message: INVALID_CODE_MESSAGE });
      return { email, verified: true as const };
    }),
    handle(authApi.resendVerification, async ({ body: { email } }) => {
      count('resend', await noSoonerThan(uniformAnswerMs, () => resendVerification(deps, email)));
      return { message: RESEND_MESSAGE };
    }),
    handle(authApi.login, async ({ body, req }) => {
      const result = await login(deps, { ...body, address: clientAddress(req) });
      count('login', result.decision);
      switch (result.decision) {
        case 'let-in':
          return tokensBody(result.tokens);
        case 'not-verified':
          throw forbidden(NOT_VERIFIED_MESSAGE, 'EMAIL_NOT_VERIFIED');
        case 'deactivated':
          throw forbidden(DEACTIVATED_MESSAGE);
        case 'throttled':
          throw rateLimited(result.waitMs / 1_000, THROTTLED_MESSAGE);
        case 'invalid-credentials':
          throw unauthenticated('The e-mail address or the password is wrong.', { code: 'INVALID_CREDENTIALS' });
        default:
          return result satisfies never;
      }
    }),
    handle(authApi.refresh, async ({ body }) => {
      const result = await refresh(deps, body.refresh_token);
      count('refresh', result.decision);
      if (result.decision === 'refreshed') return tokensBody(result.tokens);
      if (result.decision === 'family-revoked') logger.warn('a spent refresh token came again, session revoked');
      throw unauthenticated('The refresh token is not valid any more. Log in again.');
    }),
    handle(authApi.logout, async ({ body }) => {
      await logout(deps, body.refresh_token);
    }),
    handle(authApi.jwks, () => reply({ headers: { 'cache-control': KEYS_CACHE_CONTROL }, bodyText: keySet })),
  ];
}

/** The HTTP answer of this service's own errors. */
export function mapError(error: unknown): AppError | undefined {
  return error instanceof PasswordsOverloaded ? unavailable('passwords', OVERLOAD_RETRY_SECONDS, error) : undefined;
}

function tokensBody(tokens: IssuedTokens) {
  return {
    access_token: tokens.accessToken,
    refresh_token: tokens.refreshToken,
    token_type: 'Bearer' as const,
    expires_in: tokens.expiresInSeconds,
  };
}
