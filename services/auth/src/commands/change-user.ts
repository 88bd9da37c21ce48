import { addToOutbox } from '@punctual/messaging';
import type { Database } from '@punctual/postgres';
import { type ChangeDecision, decideChange } from '../domain/user.ts';
import {
  changeProfile,
  findProfile,
  lockAccounts,
  markDeleted,
  type Profile,
  type ProfileChange,
} from '../store/profiles.ts';
import { endSessionsOf } from '../store/sessions.ts';
import { userDeleted, userUpdated } from './user-events.ts';

const RETRIES = 2;

export type ChangeUserDeps = { readonly db: Database; readonly wakeRelay: () => void };

/** Who asks, by their access token, and about whom. They may be the same. */
export type Concerned = { readonly actorId: number; readonly targetId: number };

export type Refusal = Exclude<ChangeDecision, 'allowed'>;
export type UpdateUserResult =
  | { readonly decision: 'updated'; readonly profile: Profile }
  | { readonly decision: Refusal };

/** Changes a profile, or whether the user may log in: who is deactivated loses every session. */
export async function updateUser(
  deps: ChangeUserDeps,
  { actorId, targetId }: Concerned,
  change: ProfileChange,
): Promise<UpdateUserResult> {
  const result = await deps.db.transaction<UpdateUserResult>(
    async (tx) => {
      const decision = decideChange({ ...(await lockAccounts(tx, { actorId, targetId })), change });
      if (decision !== 'allowed') return { decision };
      const changed = await changeProfile(tx, targetId, change);
      if (changed !== undefined) {
        if (change.active === false) await endSessionsOf(tx, targetId, 'deactivated');
        await addToOutbox(tx, [userUpdated(changed)]);
      }
      const profile = changed ?? (await findProfile(tx, targetId));
      return profile === undefined ? { decision: 'not-found' } : { decision: 'updated', profile };
    },
    { retries: RETRIES },
  );
  if (result.decision === 'updated') deps.wakeRelay();
  return result;
}

/** Ends every session and frees the address. Of parallel requests one deletes, the others find nobody. */
export async function deleteUser(deps: ChangeUserDeps, { actorId, targetId }: Concerned): Promise<'deleted' | Refusal> {
  const result = await deps.db.transaction<'deleted' | Refusal>(
    async (tx) => {
      const accounts = await lockAccounts(tx, { actorId, targetId });
      const decision = decideChange({ ...accounts, change: { deletes: true } });
      if (decision !== 'allowed') return decision;
      const deletedAt = await markDeleted(tx, targetId);
      await endSessionsOf(tx, targetId, 'deleted');
      await addToOutbox(tx, [userDeleted({ id: targetId, deletedAt })]);
      return 'deleted';
    },
    { retries: RETRIES },
  );
  if (result === 'deleted') deps.wakeRelay();
  return result;
}
