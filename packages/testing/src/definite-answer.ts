import type { Answer } from './answer.ts';
import { type EventuallyOptions, eventually } from './eventually.ts';

/** Said of the moment and not of the request: too many at a time, or somebody behind the gateway is away. */
const PASSING: ReadonlySet<number> = new Set([429, 502, 503, 504]);
const DEFAULT_TIMEOUT_MS = 45_000;
/** As such answers ask for with Retry-After; sooner, and the retries of hundreds keep each other busy. */
const DEFAULT_INTERVAL_MS = 1_000;

/**
 * Asks as a careful client does: again while the outcome is unknown, which is no answer, 429, 502, 503, 504 and 409 in progress. A 500 is
 * definite, and never right.
 */
export function definiteAnswer<T>(
  ask: () => Promise<Answer<T>>,
  { timeoutMs = DEFAULT_TIMEOUT_MS, intervalMs = DEFAULT_INTERVAL_MS }: EventuallyOptions = {},
): Promise<Answer<T>> {
  return eventually(
    async () => {
      const answer = await ask();
      const error = answer.body?.error;
      if (PASSING.has(answer.status) || error?.code === 'REQUEST_IN_PROGRESS') {
        throw new Error(`the outcome is unknown: ${answer.status} ${JSON.stringify(error)}`);
      }
      return answer;
    },
    { timeoutMs, intervalMs },
  );
}
