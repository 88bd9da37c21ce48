import type { ErrorCode } from '@punctual/contracts';

export { IllegalTransition, StockPending } from '../domain/order.ts';

/** A command that was understood and declined; nothing was written. `details` may be shown to the client. */
export class OrderRefused extends Error {
  readonly code: ErrorCode;
  readonly details: unknown;
  readonly retryable: boolean;

  constructor(code: ErrorCode, message: string, { details = null, retryable = false }: RefusalOptions = {}) {
    super(message);
    this.name = 'OrderRefused';
    this.code = code;
    this.details = details;
    this.retryable = retryable;
  }
}

type RefusalOptions = { details?: unknown; retryable?: boolean };

/** A field of the request that only the command can judge. */
export function invalidField(field: string, message: string): OrderRefused {
  return new OrderRefused('VALIDATION_FAILED', 'The request is not valid.', { details: [{ field, message }] });
}

/** Also for someone else's order: whether it exists is none of the caller's business. */
export function orderNotFound(id: number): OrderRefused {
  return new OrderRefused('NOT_FOUND', `There is no order ${id}.`, { details: { resource: 'order', id } });
}
