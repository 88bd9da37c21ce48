/** Protocol errors that say that this very record will never be taken, whenever and wherever it is sent. */
const REFUSALS: ReadonlySet<string> = new Set([
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_RECORD',
  'INVALID_TIMESTAMP',
  'INVALID_TOPIC_EXCEPTION',
]);

/** Looks through kafkajs's wrappers (retries exceeded, non-retriable, aggregate) for the broker's answer. */
export function isRefusedForGood(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('type' in error && typeof error.type === 'string' && REFUSALS.has(error.type)) return true;
  if ('errors' in error && Array.isArray(error.errors) && error.errors.some(isRefusedForGood)) return true;
  return isRefusedForGood(error.cause);
}
