import type { Role } from './login.ts';

/** What decides about changes of a user, as the primary has it under lock. */
export type Account = { readonly id: number; readonly role: Role; readonly active: boolean };

export type IntendedChange = {
  readonly deletes?: boolean;
  /** Undefined when it is not stated. */
  readonly active?: boolean | undefined;
};

export type ChangeDecision = 'allowed' | 'not-found' | 'deactivated' | 'not-admin' | 'last-admin';

export type ChangeRequest = {
  /** Undefined when who asks has been deleted since the access token was issued. */
  readonly actor: Account | undefined;
  readonly target: Account | undefined;
  /** Admins other than the target who can log in. */
  readonly otherAdmins: number;
  readonly change: IntendedChange;
};

/**
 * Who may change whom. Somebody else is not found rather than forbidden, so that ids cannot be tried out. The actor's role
 * and state are today's, not those of the token, which may be a quarter of an hour old.
 */
export function decideChange({ actor, target, otherAdmins, change }: ChangeRequest): ChangeDecision {
  if (actor === undefined) return 'not-found';
  if (!actor.active) return 'deactivated';
  if (target === undefined || (target.id !== actor.id && actor.role !== 'admin')) return 'not-found';
  if (change.active !== undefined && actor.role !== 'admin') return 'not-admin';
  const endsAccess = change.deletes === true || change.active === false;
  const endsAdmin = endsAccess && target.role === 'admin' && target.active;
  return endsAdmin && otherAdmins === 0 ? 'last-admin' : 'allowed';
}
