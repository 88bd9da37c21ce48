export type Role = 'customer' | 'admin';

/** What a login needs to know of a user. */
export type Credentials = {
  readonly userId: number;
  readonly email: string;
  readonly passwordHash: string;
  readonly role: Role;
  readonly verified: boolean;
  readonly deleted: boolean;
};

export type LoginDecision = 'let-in' | 'invalid-credentials' | 'not-verified';

/** Only who knows the password learns that the address is known but not verified. */
export function decideLogin(user: Credentials | undefined, passwordMatches: boolean): LoginDecision {
  if (user === undefined || user.deleted || !passwordMatches) return 'invalid-credentials';
  return user.verified ? 'let-in' : 'not-verified';
}
