import type { Scope } from '../store/payments.ts';

/** Who wishes something. Customers reach their own payments only, administrators all. */
export type Caller = {
  readonly userId: number;
  readonly role: 'customer' | 'admin';
  /** The Authorization header as it came, for the order service to judge by itself. */
  readonly authorization: string;
};

export function scopeOf({ userId, role }: Pick<Caller, 'userId' | 'role'>): Scope {
  return { userId: role === 'admin' ? 'any' : userId };
}
