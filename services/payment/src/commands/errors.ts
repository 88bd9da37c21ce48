import type { ErrorCode } from '@punctual/contracts';

export { IllegalTransition } from '../domain/payment.ts';
export { OutcomeUnknown, ProviderUnavailable, WebhookRefused } from '../providers/provider.ts';

/** A command that was understood and declined; nothing was written. `details` may be shown to the client. */
export class PaymentRefused extends Error {
  readonly code: ErrorCode;
  readonly details: unknown;
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, { details = null, retryable = false }: RefusalOptions = {}) {
    super(message);
    this.name = 'PaymentRefused';
    this.code = code;
    this.details = details;
    this.retryable = retryable;
  }
}

type RefusalOptions = { details?: unknown; retryable?: boolean };

/** A field of the request that only the command can judge. */
export function invalidField(field: string, message: string): PaymentRefused {
  return new PaymentRefused('VALIDATION_FAILED', 'The request is not valid.', { details: [{ field, message }] });
}

/** Also for someone else's payment: whether it exists is none of the caller's business. */
export function paymentNotFound(id: number): PaymentRefused {
  return new PaymentRefused('NOT_FOUND', `There is no payment ${id}.`, { details: { resource: 'payment', id } });
}

/** The order is in no state to be paid. */
export function orderNotPayable(current: string): PaymentRefused {
  return new PaymentRefused('ILLEGAL_TRANSITION', `The order is ${current} and cannot be paid.`, {
    details: { current, requested: 'PAID' },
  });
}
