/**
 * What strangers ask for, as it is answered whichever way they came: outcomes are counted, how long an answer took tells nothing of
 * an address, and what is declined is thrown as AuthRefused. Client addresses are given as they were seen.
 */
import type { Logger, Metrics } from '@punctual/telemetry';
import { clientNetwork } from './client-network.ts';
import type { IssuedTokens } from './issue-tokens.ts';
import { type LoginDeps, login } from './login.ts';
import { logout } from './logout.ts';
import { type RefreshDeps, refresh } from './refresh.ts';
import {
  invalidCode,
  loginRefused,
  refreshRefused,
  registrationClosed,
  tooManyFailures,
  tooManyRegistrations,
} from './refusals.ts';
import { hearRegistration, type RegisterDeps, type Registered } from './register.ts';
import { type ResendDeps, resendVerification } from './resend-verification.ts';
import { noSoonerThan } from './uniform-time.ts';
import { type VerifyDeps, verify } from './verify.ts';

const RESEND_MESSAGE = 'If the address is registered and not verified yet, a new code is on its way to it.';

export type AccountRequestDeps = RegisterDeps &
  ResendDeps &
  VerifyDeps &
  LoginDeps &
  RefreshDeps & {
    readonly uniformAnswerMs: number;
    readonly isRegistrationOpen: () => boolean;
    readonly logger: Logger;
    readonly metrics: Metrics;
  };

type Attempt = { readonly email: string; readonly password: string; readonly clientAddress: string };
type Guess = { readonly email: string; readonly code: string; readonly clientAddress: string };

export type AccountRequests = {
  register(attempt: Attempt): Promise<Registered>;
  verify(guess: Guess): Promise<{ email: string; verified: true }>;
  /** What the client is told, which is the same whether or not a code was sent. */
  resendVerification(email: string): Promise<string>;
  login(attempt: Attempt): Promise<IssuedTokens>;
  refresh(refreshToken: string): Promise<IssuedTokens>;
  logout(refreshToken: string): Promise<void>;
};

export function createAccountRequests(deps: AccountRequestDeps): AccountRequests {
  const { uniformAnswerMs, logger } = deps;
  const outcomes = deps.metrics.counter({
    name: 'auth_requests_total',
    help: 'Registrations, verifications, logins and refreshes by outcome',
    labelNames: ['operation', 'outcome'],
  });
  const count = (operation: string, outcome: string): void => outcomes.inc({ operation, outcome });

  return {
    async register({ email, password, clientAddress }) {
      if (!deps.isRegistrationOpen()) throw registrationClosed();
      const registration = { email, password, address: clientNetwork(clientAddress) };
      const result = await noSoonerThan(uniformAnswerMs, () => hearRegistration(deps, registration));
      count('register', result.decision);
      if (result.decision === 'throttled') throw tooManyRegistrations(result.waitMs);
      return result.user;
    },
    async verify({ email, code, clientAddress }) {
      const guess = { email, code, address: clientNetwork(clientAddress) };
      const result = await noSoonerThan(uniformAnswerMs, () => verify(deps, guess));
      count('verify', result.decision);
      if (result.decision === 'throttled') throw tooManyFailures(result.waitMs);
      if (result.decision === 'refused') throw invalidCode();
      return { email, verified: true };
    },
    async resendVerification(email) {
      count('resend', await noSoonerThan(uniformAnswerMs, () => resendVerification(deps, email)));
      return RESEND_MESSAGE;
    },
    async login({ email, password, clientAddress }) {
      const result = await login(deps, { email, password, address: clientNetwork(clientAddress) });
      count('login', result.decision);
      if (result.decision === 'let-in') return result.tokens;
      throw result.decision === 'throttled' ? tooManyFailures(result.waitMs) : loginRefused(result.decision);
    },
    async refresh(refreshToken) {
      const result = await refresh(deps, refreshToken);
      count('refresh', result.decision);
      if (result.decision === 'refreshed') return result.tokens;
      if (result.decision === 'family-revoked') logger.warn('a spent refresh token came again, session revoked');
      throw refreshRefused();
    },
    logout: (refreshToken) => logout(deps, refreshToken),
  };
}
