import type { Scope } from '../store/orders.ts';

/** Somebody's wish about one order. Customers reach their own orders only, administrators all. */
export type OrderCommandInput = {
  readonly orderId: number;
  readonly caller: { readonly userId: number; readonly role: 'customer' | 'admin' };
};

export function scopeOf({ caller }: Pick<OrderCommandInput, 'caller'>): Scope {
  return { userId: caller.role === 'admin' ? 'any' : caller.userId };
}

/** As the history names who did it. */
export function actorOf({ caller }: OrderCommandInput): string {
  return `${caller.role === 'admin' ? 'admin' : 'user'}:${caller.userId}`;
}
