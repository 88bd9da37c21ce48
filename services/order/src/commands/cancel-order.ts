import type { Database } from '@punctual/postgres';
import { cancel, type Order } from '../domain/order.ts';
import { lockOrder } from '../store/orders.ts';
import { orderNotFound } from './errors.ts';
import { actorOf, type OrderCommandInput, scopeOf } from './order-command.ts';
import { saveDecisions } from './save-decisions.ts';

/** Makes the command that cancels an unpaid order. Throws IllegalTransition, or OrderRefused for no such order. */
export function createCancelOrder({ db, wakeRelay }: { db: Database; wakeRelay(): void }) {
  return async function cancelOrder(input: OrderCommandInput): Promise<Order> {
    const order = await db.transaction(
      async (tx) => {
        const locked = await lockOrder(tx, input.orderId, scopeOf(input));
        if (locked === undefined) throw orderNotFound(input.orderId);
        const change = cancel(locked.order, 'CUSTOMER_CANCELLED', locked.at);
        await saveDecisions(tx, { changes: [change], actor: actorOf(input) });
        return change.order;
      },
      { retries: 2 },
    );
    wakeRelay();
    return order;
  };
}
