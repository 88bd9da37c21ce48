import { addToOutbox } from '@punctual/messaging';
import type { Database } from '@punctual/postgres';
import type { CodeHasher } from '../security/code-hasher.ts';
import { lockUnverified, markVerified } from '../store/users.ts';
import { spendTry, useCode } from '../store/verification-codes.ts';
import { userVerified } from './user-events.ts';

const RETRIES = 2;

export type VerifyDeps = { readonly db: Database; readonly codes: CodeHasher; readonly wakeRelay: () => void };

/**
 * True when the code was the user's active one. A wrong guess commits as well: it has cost a try. The user is locked
 * first, so parallel guesses pay one after the other.
 */
export async function verify(
  deps: VerifyDeps,
  { email, code }: { readonly email: string; readonly code: string },
): Promise<boolean> {
  const verified = await deps.db.transaction(
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
  if (verified) deps.wakeRelay();
  return verified;
}
