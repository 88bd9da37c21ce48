import { addToOutbox } from '@punctual/messaging';
import type { Database } from '@punctual/postgres';
import type { Passwords } from '../security/passwords.ts';
import { addUser, lockUnverified } from '../store/users.ts';
import { type SendCodeDeps, sendCode } from './send-code.ts';
import { admitRegistration, type ThrottleDeps } from './throttle.ts';
import { userCreated } from './user-events.ts';

const RETRIES = 2;

export type RegisterDeps = SendCodeDeps & {
  readonly db: Database;
  readonly passwords: Passwords;
  /** Called after a commit that wrote outbox rows. */
  readonly wakeRelay: () => void;
};

type Registration = { readonly email: string; readonly password: string };
export type Registered = { readonly id: number; readonly email: string; readonly verified: boolean };

export type RegisterResult =
  | { readonly decision: 'accepted'; readonly user: Registered }
  | { readonly decision: 'throttled'; readonly waitMs: number };

/** Hears a registration unless its client address has made too many. Whose they were makes no difference. */
export async function hearRegistration(
  deps: RegisterDeps & ThrottleDeps,
  { address, ...registration }: Registration & { readonly address: string },
): Promise<RegisterResult> {
  const admission = await admitRegistration(deps, address);
  if (!admission.admitted) return { decision: 'throttled', waitMs: admission.waitMs };
  let outcome: 'heard' | 'unheard' = 'unheard';
  try {
    const user = await register(deps, registration);
    outcome = 'heard';
    return { decision: 'accepted', user };
  } finally {
    await admission.settle(outcome);
  }
}

/**
 * Adds a user and sends the first code. A known address is answered alike, with an id that belongs to nobody, and
 * nothing of the user is changed: were the password replaced, anybody could set it before the owner enters the code.
 * The owner of an address that is not verified yet is sent a code as if they had asked for a new one.
 */
export async function register(deps: RegisterDeps, { email, password }: Registration): Promise<Registered> {
  const passwordHash = await deps.passwords.hash(password);
  const id = await deps.db.transaction(
    async (tx) => {
      const { id: freshId, createdAt } = await addUser(tx, { email, passwordHash });
      if (createdAt !== null) {
        await addToOutbox(tx, [userCreated({ id: freshId, email, createdAt })]);
        await sendCode(tx, deps, { id: freshId, email });
        return freshId;
      }
      const knownId = await lockUnverified(tx, email);
      if (knownId !== undefined) await sendCode(tx, deps, { id: knownId, email });
      return freshId;
    },
    { retries: RETRIES },
  );
  deps.wakeRelay();
  return { id, email, verified: false };
}
