import { addToOutbox } from '@punctual/messaging';
import type { Database } from '@punctual/postgres';
import { DEMO_ACCOUNTS } from '../domain/demo-accounts.ts';
import type { Passwords } from '../security/passwords.ts';
import { addVerifiedUser } from '../store/users.ts';
import { userCreated, userVerified } from './user-events.ts';

/** Adds the demo accounts that are missing, verified; returns their addresses. Accounts that exist are left alone. */
export async function seed(deps: { readonly db: Database; readonly passwords: Passwords }): Promise<string[]> {
  const added: string[] = [];
  for (const { email, password, role } of DEMO_ACCOUNTS) {
    const passwordHash = await deps.passwords.hash(password);
    await deps.db.transaction(async (tx) => {
      const user = await addVerifiedUser(tx, { email, passwordHash, role });
      if (user === undefined) return;
      const { id, createdAt } = user;
      await addToOutbox(tx, [
        userCreated({ id, email, createdAt }),
        userVerified({ id, email, verifiedAt: createdAt }),
      ]);
      added.push(email);
    });
  }
  return added;
}
