import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '@punctual/postgres';
import { type Order, PaymentOverdue, pay, StockPending } from '../domain/order.ts';
import { findOrder, lockOrder } from '../store/orders.ts';
import { orderNotFound } from './errors.ts';
import type { FireDueTimers } from './fire-due-timers.ts';
import { actorOf, type OrderCommandInput, scopeOf } from './order-command.ts';
import { saveDecisions } from './save-decisions.ts';

const RESERVATION_WAIT_MS = 2_000;
const RESERVATION_POLL_MS = 100;

export type PayOrderOptions = { db: Database; fireDueTimers: FireDueTimers; wakeRelay(): void };

/**
 * Makes the command that marks an order as paid. This is the seam where taking a payment will come in: everything behind
 * it already follows from `order.paid`. Waits a while for the stock to be reserved, outside of any transaction.
 * Throws IllegalTransition, StockPending, or OrderRefused when there is no such order.
 */
export function createPayOrder({ db, fireDueTimers, wakeRelay }: PayOrderOptions) {
  async function payOnce(input: OrderCommandInput): Promise<Order> {
    return db.transaction(
      async (tx) => {
        const locked = await lockOrder(tx, input.orderId, scopeOf(input));
        if (locked === undefined) throw orderNotFound(input.orderId);
        const change = pay(locked.order, locked.at);
        await saveDecisions(tx, { changes: [change], actor: actorOf(input) });
        return change.order;
      },
      { retries: 2 },
    );
  }

  async function waitForReservation(input: OrderCommandInput): Promise<void> {
    const deadlineMs = performance.now() + RESERVATION_WAIT_MS;
    while (performance.now() < deadlineMs) {
      const order = await findOrder(db.primary, input.orderId, scopeOf(input));
      if (order?.stock !== 'pending') return;
      await delay(RESERVATION_POLL_MS);
    }
  }

  async function payOrWait(input: OrderCommandInput): Promise<Order> {
    try {
      return await payOnce(input);
    } catch (error) {
      if (error instanceof StockPending) await waitForReservation(input);
      // The expiry is due and has not fired yet: it does so now, and the second try is refused for what the order became.
      else if (error instanceof PaymentOverdue) await fireDueTimers([{ orderId: input.orderId }], { by: 'payment' });
      else throw error;
      return await payOnce(input);
    }
  }

  return async function payOrder(input: OrderCommandInput): Promise<Order> {
    const order = await payOrWait(input);
    wakeRelay();
    return order;
  };
}
