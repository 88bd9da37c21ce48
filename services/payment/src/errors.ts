import { AppError, conflict, timedOut, unauthenticated, unavailable } from '@punctual/http';
import {
  IllegalTransition,
  OutcomeUnknown,
  PaymentRefused,
  ProviderUnavailable,
  WebhookRefused,
} from './commands/errors.ts';
import { PROVIDER } from './providers/protect.ts';

const RETRY_AFTER = { 'retry-after': '1' };

/**
 * The answers to this service's own errors, over HTTP and gRPC alike; undefined leaves an error to the rules of all services.
 * `retryAfterSeconds` tells how long the provider's breaker stays open.
 */
export function createErrorMap(retryAfterSeconds: () => number) {
  return function mapError(error: unknown): AppError | undefined {
    if (error instanceof PaymentRefused) {
      const { code, message, details, retryable } = error;
      return new AppError({ code, message, details, retryable, ...(retryable ? { headers: RETRY_AFTER } : {}) });
    }
    if (error instanceof IllegalTransition) {
      const { current, requested } = error;
      return conflict('ILLEGAL_TRANSITION', `The payment is ${current} and cannot become ${requested}.`, {
        current,
        requested,
      });
    }
    if (error instanceof ProviderUnavailable) return unavailable(PROVIDER, retryAfterSeconds(), error);
    if (error instanceof OutcomeUnknown) return timedOut(PROVIDER, error);
    if (error instanceof WebhookRefused) return unauthenticated('The signature of this webhook is not valid.');
    return undefined;
  };
}
