import { TaskCancelledError } from 'cockatiel';

/**
 * Gives work a time limit, and a signal that is aborted when it has passed; then it throws TaskCancelledError, whether the work heeds
 * the signal or not.
 *
 * After a stall of this process Node runs the timers that are due before it reads the answers that have arrived meanwhile, so that
 * every call under way would count as unanswered, and open a breaker, though it was us who did not listen. Hence a limit that has
 * passed takes effect one turn of the event loop later, when what has arrived was read.
 */
export async function withinTime<T>(timeoutMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const overdue = Promise.withResolvers<never>();
  const abort = new AbortController();
  let lastTurn: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    lastTurn = setImmediate(() => {
      overdue.reject(new TaskCancelledError(`no answer within ${timeoutMs} ms`));
      abort.abort();
    });
  }, timeoutMs);
  try {
    return await Promise.race([work(abort.signal), overdue.promise]);
  } finally {
    clearTimeout(timer);
    clearImmediate(lastTurn);
  }
}
