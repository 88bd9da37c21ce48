import { addToOutbox } from '@punctual/messaging';
import type { CodeHasher } from '../security/code-hasher.ts';
import { lockUnverified, markVerified } from '../store/users.ts';
import { spendTry, useCode } from '../store/verification-codes.ts';
import { admitCode, type ThrottleDeps } from './throttle.ts';
import { userVerified } from './user-events.ts';

const RETRIES = 2;

export type VerifyDeps = ThrottleDeps & { readonly codes: CodeHasher; readonly wakeRelay: () => void };

type Guess = { readonly email: string; readonly code: string };

export type VerifyResult =
  | { readonly decision: 'verified' | 'refused' }
  | { readonly decision: 'throttled'; readonly waitMs: number };

/** Hears a guess unless its client address has made too many wrong ones. */
export async function verify(
  deps: VerifyDeps,
  { address, ...guess }: Guess & { readonly address: string },
): Promise<VerifyResult> {
  const admission = await admitCode(deps, address);
  if (!admission.admitted) return { decision: 'throttled', waitMs: admission.waitMs };
  let outcome: 'wrong' | 'right' | 'unheard' = 'unheard';
  try {
    const verified = await spendGuess(deps, guess);
    outcome = verified ? 'right' : 'wrong';
    if (verified) deps.wakeRelay();
    return { decision: verified ? 'verified' : 'refused' };
  } finally {
    await admission.settle(outcome);
  }
}

/**
 * True when the code was the user's active one. A wrong guess commits as well: it has cost a try. The user is locked
 * first, so parallel guesses pay one after the other.
 */
function spendGuess(deps: VerifyDeps, { email, code }: Guess): Promise<boolean> {
  return deps.db.transaction(
    async (tx) => {
      const id = await lockUnverified(tx, email);
      const active = id === undefined ? undefined : await spendTry(tx, id);
      if (id === undefined || active === undefined || !deps.codes.matches(active.codeHash, id, code)) return false;
      await useCode(tx, active.id);
      const verifiedAt = await markVerified(tx, id);
      await addToOutbox(tx, [userVerified({ id, email, verifiedAt })]);
      return true;
    },
    { retries: RETRIES },
  );
}
