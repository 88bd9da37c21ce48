import type { ErrorCode } from '@punctual/contracts';
import type { ChangeDecision } from '../domain/user.ts';

const MS_PER_SECOND = 1_000;
const INVALID_CODE_MESSAGE =
  'The code is not valid. Enter the newest code from your mail, or ask for a new one at POST /auth/resend-verification.';
const NOT_VERIFIED_MESSAGE =
  'The address is not verified yet. Enter the code from the mail at POST /auth/verify, or ask for a new one at POST /auth/resend-verification.';
const LAST_ADMIN_MESSAGE = 'This is the last active administrator. Make another one first, with admin:create.';

type RefusalOptions = { details?: unknown; retryAfterMs?: number };

/** A request that was understood and declined. `message` and `details` may be shown to the client. */
export class AuthRefused extends Error {
  override readonly name = 'AuthRefused';
  readonly code: ErrorCode;
  readonly details: unknown;
  readonly retryable: boolean;
  /** 0 when coming back does not help. */
  readonly retryAfterSeconds: number;

  constructor(code: ErrorCode, message: string, { details, retryAfterMs = 0 }: RefusalOptions = {}) {
    super(message);
    this.code = code;
    this.details = details;
    this.retryAfterSeconds = Math.ceil(retryAfterMs / MS_PER_SECOND);
    this.retryable = this.retryAfterSeconds > 0;
  }
}

export function tooManyFailures(waitMs: number): AuthRefused {
  const message = 'Too many attempts have failed. Wait before the next one.';
  return new AuthRefused('RATE_LIMITED', message, { retryAfterMs: waitMs });
}

export function tooManyRegistrations(waitMs: number): AuthRefused {
  const message = 'Too many registrations came from this address. Wait before the next one.';
  return new AuthRefused('RATE_LIMITED', message, { retryAfterMs: waitMs });
}

export function invalidCode(): AuthRefused {
  return new AuthRefused('INVALID_CODE', INVALID_CODE_MESSAGE);
}

export function loginRefused(decision: 'not-verified' | 'deactivated' | 'invalid-credentials'): AuthRefused {
  switch (decision) {
    case 'not-verified':
      return new AuthRefused('EMAIL_NOT_VERIFIED', NOT_VERIFIED_MESSAGE);
    case 'deactivated':
      return new AuthRefused('FORBIDDEN', 'This account is deactivated. Ask the shop about it.');
    case 'invalid-credentials':
      return new AuthRefused('INVALID_CREDENTIALS', 'The e-mail address or the password is wrong.');
    default:
      return decision satisfies never;
  }
}

export function refreshRefused(): AuthRefused {
  return new AuthRefused('UNAUTHENTICATED', 'The refresh token is not valid any more. Log in again.');
}

/** Why the user with this id was not changed. */
export function changeRefused(decision: Exclude<ChangeDecision, 'allowed'>, id: number): AuthRefused {
  switch (decision) {
    case 'not-found':
      return new AuthRefused('NOT_FOUND', `There is no user ${id}.`, { details: { resource: 'user', id } });
    case 'deactivated':
      return new AuthRefused('FORBIDDEN', 'Your account is deactivated.');
    case 'not-admin':
      return new AuthRefused('FORBIDDEN', 'Only an administrator may change active.');
    case 'last-admin':
      return new AuthRefused('ILLEGAL_TRANSITION', LAST_ADMIN_MESSAGE);
    default:
      return decision satisfies never;
  }
}

export function registrationClosed(): AuthRefused {
  return new AuthRefused('FORBIDDEN', 'The shop takes no new customers at the moment. Try again later.');
}
