import { AppError, conflict } from '@punctual/http';
import { IllegalTransition, OrderRefused, StockPending } from './commands/errors.ts';

const RETRY_AFTER = { 'retry-after': '1' };

/** The answers to this service's own errors, over HTTP and gRPC alike; undefined leaves an error to the rules of all services. */
export function mapError(error: unknown): AppError | undefined {
  if (error instanceof OrderRefused) {
    const { code, message, details, retryable } = error;
    return new AppError({ code, message, details, retryable, ...(retryable ? { headers: RETRY_AFTER } : {}) });
  }
  if (error instanceof IllegalTransition) {
    const { current, fulfillment, requested } = error;
    return conflict(
      'ILLEGAL_TRANSITION',
      `The order is ${current} and ${fulfillment}, and cannot become ${requested}.`,
      { current, fulfillment, requested },
    );
  }
  if (error instanceof StockPending) {
    const message = 'The stock of this order is not yet reserved. Try again shortly.';
    return new AppError({
      code: 'STOCK_PENDING',
      message,
      details: { stock: 'pending' },
      retryable: true,
      headers: RETRY_AFTER,
    });
  }
  return undefined;
}
