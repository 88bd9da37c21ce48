export type Role = 'customer' | 'admin';

/** What a login needs to know of a user. */
export type Credentials = {
  readonly userId: number;
  readonly email: string;
  readonly passwordHash: string;
  readonly role: Role;
  readonly verified: boolean;
  readonly active: boolean;
};

export type LoginDecision = 'let-in' | 'invalid-credentials' | 'not-verified' | 'deactivated';

/** Only who knows the password learns that the address is known but not verified, or that an admin has deactivated it. */
export function decideLogin(user: Credentials | undefined, passwordMatches: boolean): LoginDecision {
  if (user === undefined || !passwordMatches) return 'invalid-credentials';
  if (!user.active) return 'deactivated';
  return user.verified ? 'let-in' : 'not-verified';
}
