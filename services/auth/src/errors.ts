import { AppError, rateLimited, unauthenticated, unavailable } from '@punctual/http';
import { AuthRefused } from './commands/refusals.ts';
import { PasswordsOverloaded } from './security/passwords.ts';

const OVERLOAD_RETRY_SECONDS = 2;

/** The answers to this service's own errors, over HTTP and gRPC alike; undefined leaves an error to the rules of all services. */
export function mapError(error: unknown): AppError | undefined {
  if (error instanceof PasswordsOverloaded) return unavailable('passwords', OVERLOAD_RETRY_SECONDS, error);
  if (!(error instanceof AuthRefused)) return undefined;
  const { code, message, details, retryAfterSeconds } = error;
  switch (code) {
    case 'RATE_LIMITED':
      return rateLimited(retryAfterSeconds, message);
    case 'UNAUTHENTICATED':
    case 'INVALID_CREDENTIALS':
      return unauthenticated(message, { code });
    default:
      return new AppError({ code, message, details });
  }
}
