import type { Database } from '@punctual/postgres';
import { type Change, cancel, type FulfillmentStep, fulfil, type Order, refund } from '../domain/order.ts';
import { lockOrder } from '../store/orders.ts';
import { orderNotFound } from './errors.ts';
import { actorOf, type OrderCommandInput, scopeOf } from './order-command.ts';
import { saveDecisions } from './save-decisions.ts';

export type DecideOrderOptions = { db: Database; wakeRelay(): void };

/** Makes the command that cancels an unpaid order. Throws IllegalTransition, or OrderRefused for no such order. */
export function createCancelOrder(options: DecideOrderOptions) {
  return (input: OrderCommandInput): Promise<Order> =>
    decideOrder(options, input, (order, at) => [cancel(order, 'CUSTOMER_CANCELLED', at)]);
}

/** Makes the command that decides that a paid order's money goes back. Throws as cancelling does. */
export function createRefundOrder(options: DecideOrderOptions) {
  return (input: OrderCommandInput): Promise<Order> => decideOrder(options, input, (order, at) => [refund(order, at)]);
}

/** Makes the command that moves a paid order's fulfilment one step on. Throws as cancelling does. */
export function createChangeStatus(options: DecideOrderOptions) {
  return ({ to, ...input }: OrderCommandInput & { readonly to: FulfillmentStep }): Promise<Order> =>
    decideOrder(options, input, (order, at) => fulfil(order, to, at));
}

/** Load under a lock, decide, save with all that follows: one transaction. Resolves to what the order has become. */
async function decideOrder(
  { db, wakeRelay }: DecideOrderOptions,
  input: OrderCommandInput,
  decide: (order: Order, at: Date) => readonly Change[],
): Promise<Order> {
  const order = await db.transaction(
    async (tx) => {
      const locked = await lockOrder(tx, input.orderId, scopeOf(input));
      if (locked === undefined) throw orderNotFound(input.orderId);
      const changes = decide(locked.order, locked.at);
      await saveDecisions(tx, { changes, actor: actorOf(input) });
      return changes.at(-1)?.order ?? locked.order;
    },
    { retries: 2 },
  );
  wakeRelay();
  return order;
}
