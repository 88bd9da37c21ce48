import type { Verdict } from './batch.ts';
import { PoisonError } from './envelope.ts';
import { RejectMessage, WaitInPlace } from './errors.ts';

/**
 * Tells a bad message from a bad moment: a handler that fails while the database is away says nothing about the
 * message. `ping` is asked after every failure that does not tell by itself.
 */
export async function judge(error: unknown, ping: () => Promise<void>): Promise<Verdict> {
  if (error instanceof RejectMessage || error instanceof PoisonError) return 'reject';
  if (error instanceof WaitInPlace) return 'wait';
  try {
    await ping();
  } catch {
    return 'wait';
  }
  return 'count';
}

/** What to write beside a message that was given up. */
export function reasonOf(error: unknown): string {
  return (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).slice(0, 1_000);
}
