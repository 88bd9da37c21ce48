/** Orders that go on while something happens to the platform, placed by careful clients. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setInterval } from 'node:timers/promises';
import { type Customer, eventually } from '@punctual/testing';
import { mapWithLimit, placeUntilKnown } from './platform.ts';

/** Each customer orders so often, as long as the answers come. */
const ORDER_EVERY_MS = 200;
const ANSWER_LIMIT_MS = 90_000;
const CHECKS_AT_ONCE = 8;
const READ_LIMIT = { timeoutMs: 20_000, intervalMs: 250 };

export type PlacedOrder = {
  readonly customer: Customer;
  readonly requestId: string;
  readonly id: number;
  /** When its first attempt was sent, and when it was answered 201; by Date.now(). */
  readonly sentAt: number;
  readonly answeredAt: number;
};

export type SteadyOrders = {
  /** Waits until so many orders that were sent after this moment have been answered 201; returns them. */
  answeredSince(moment: number, count: number): Promise<PlacedOrder[]>;
  /** Sends no more, and waits for the answers that are still out. */
  stop(): Promise<PlacedOrder[]>;
};

/** Every customer orders one piece of the product again and again, under a new request_id each time. */
export function steadyOrders(customers: readonly Customer[], productId: number): SteadyOrders {
  const placed: PlacedOrder[] = [];
  let isOver = false;
  const running = Promise.all(customers.map(orderAgainAndAgain));
  return {
    answeredSince: (moment, count) =>
      eventually(
        () => {
          const found = placed.filter(({ sentAt }) => sentAt > moment);
          assert.ok(found.length >= count, `${found.length} of ${count} orders are answered`);
          return found;
        },
        { timeoutMs: ANSWER_LIMIT_MS, intervalMs: 50 },
      ),
    async stop() {
      isOver = true;
      await running;
      return placed;
    },
  };

  async function orderAgainAndAgain(customer: Customer): Promise<void> {
    for await (const _ of setInterval(ORDER_EVERY_MS)) {
      if (isOver) return;
      const requestId = randomUUID();
      const sentAt = Date.now();
      const answer = await placeUntilKnown(
        customer,
        { request_id: requestId, items: [{ product_id: productId, quantity: 1 }] },
        { timeoutMs: ANSWER_LIMIT_MS },
      );
      assert.equal(answer.status, 201, JSON.stringify(answer.body));
      placed.push({ customer, requestId, id: answer.body.data.id, sentAt, answeredAt: Date.now() });
    }
  }
}

/** Every order that was answered 201 can be read by its customer, and the customer has no other. */
export async function everyOrderIsThereOnce(placed: readonly PlacedOrder[]): Promise<void> {
  assert.equal(new Set(placed.map(({ id }) => id)).size, placed.length, 'two requests were answered with one order');
  await mapWithLimit(placed, CHECKS_AT_ONCE, async ({ customer, id }) => {
    // A platform that has just been through a fault may still say 503; it may not say 404.
    await eventually(async () => assert.equal((await customer.order(id)).id, id), READ_LIMIT);
  });
  for (const [customer, orders] of Map.groupBy(placed, (order) => order.customer)) {
    await eventually(async () => {
      const listed = await customer.request<unknown[]>('GET', '/orders/my-orders');
      assert.equal(listed.body.paging?.total_items, orders.length, `${customer.email} has other orders as well`);
    }, READ_LIMIT);
  }
}
