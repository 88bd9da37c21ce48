import { authApi } from '@punctual/contracts';
import { addToOutbox } from '@punctual/messaging';
import type { Database } from '@punctual/postgres';
import { isDemoLogin } from '../domain/demo-accounts.ts';
import type { Passwords } from '../security/passwords.ts';
import { endSessionsOf } from '../store/sessions.ts';
import { addVerifiedUser, lockUser, promote } from '../store/users.ts';
import { userCreated, userUpdated, userVerified } from './user-events.ts';

const RETRIES = 2;

export type CreateAdminDeps = {
  readonly db: Database;
  readonly passwords: Passwords;
  readonly demoLoginsAllowed: boolean;
};

/** Why there is no new admin, in words for whoever typed the command. */
export class AdminRefused extends Error {
  override readonly name = 'AdminRefused';
}

/**
 * Adds a verified admin, or makes one of the user who has the address. A password that is given replaces theirs and ends
 * their sessions. One must be given when there is no such user, or one who has never proved the address: then whoever registered it
 * chose the password.
 */
export async function createAdmin(
  { db, passwords, demoLoginsAllowed }: CreateAdminDeps,
  given: { readonly email: string; readonly password: string | undefined },
): Promise<'created' | 'promoted' | 'is-admin'> {
  const email = parseEmail(given.email);
  const password = given.password === undefined ? undefined : parsePassword(given.password);
  if (!demoLoginsAllowed && password !== undefined && isDemoLogin(email, password)) {
    throw new AdminRefused('This password is published in the documentation: choose another one.');
  }
  const passwordHash = password === undefined ? undefined : await passwords.hash(password);

  return db.transaction(
    async (tx) => {
      const known = await lockUser(tx, email);
      if (passwordHash === undefined && known?.verified !== true) {
        throw new AdminRefused(
          known === undefined
            ? `There is no user ${email} yet: give a password for the new one.`
            : `${email} was registered but never verified: give a password, since nobody knows who chose theirs.`,
        );
      }
      if (known === undefined && passwordHash !== undefined) {
        const added = await addVerifiedUser(tx, { email, passwordHash, role: 'admin' });
        if (added === undefined) throw new AdminRefused(`${email} was registered this very moment: run it again.`);
        const { id, createdAt } = added;
        await addToOutbox(tx, [
          userCreated({ id, email, createdAt }),
          userVerified({ id, email, verifiedAt: createdAt }),
        ]);
        return 'created';
      }
      if (known === undefined) throw new Error('an unknown user without a password was not refused');
      if (!known.active) throw new AdminRefused(`${email} is deactivated: an administrator has to activate it first.`);
      if (known.role === 'admin' && known.verified && passwordHash === undefined) return 'is-admin';
      const { id, updatedAt } = await promote(tx, known.id, passwordHash ?? null);
      if (passwordHash !== undefined) await endSessionsOf(tx, id, 'password');
      await addToOutbox(tx, [
        ...(known.verified ? [] : [userVerified({ id, email, verifiedAt: updatedAt })]),
        userUpdated({ id, active: true, updatedAt }),
      ]);
      return 'promoted';
    },
    { retries: RETRIES },
  );
}

function parseEmail(text: string): string {
  const parsed = authApi.registerBody.shape.email.safeParse(text);
  if (!parsed.success) throw new AdminRefused(`"${text}" is no e-mail address.`);
  return parsed.data;
}

function parsePassword(text: string): string {
  const parsed = authApi.registerBody.shape.password.safeParse(text);
  if (!parsed.success) throw new AdminRefused('The password must have 10 to 128 characters.');
  return parsed.data;
}
