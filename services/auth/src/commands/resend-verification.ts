import type { Database } from '@punctual/postgres';
import { lockUnverified } from '../store/users.ts';
import { type SendCodeDeps, sendCode } from './send-code.ts';

const RETRIES = 2;

export type ResendDeps = SendCodeDeps & { readonly db: Database; readonly wakeRelay: () => void };

/**
 * Sends a new code to a user who is not verified and may have one now. For whom nothing is sent, and why, is the
 * caller's to count but never to tell.
 */
export async function resendVerification(
  deps: ResendDeps,
  email: string,
): Promise<'send' | 'cooling-down' | 'too-many' | 'not-waiting'> {
  const outcome = await deps.db.transaction(
    async (tx) => {
      const id = await lockUnverified(tx, email);
      return id === undefined ? 'not-waiting' : await sendCode(tx, deps, { id, email });
    },
    { retries: RETRIES },
  );
  if (outcome === 'send') deps.wakeRelay();
  return outcome;
}
