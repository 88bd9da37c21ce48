import assert from 'node:assert/strict';
import fc from 'fast-check';
import { invariant } from './breaking.ts';
import { changed, healthy, operation, rowOf, without } from './healthy.ts';
import { checkOrders } from './i2-orders.ts';

describe('I2, the orders that were answered', () => {
  const { holds, caught } = invariant(checkOrders);

  holds('when each request has its order', undefined, { attempted: 5, acknowledged: 5 });
  holds(
    'when an unknown outcome is found to have happened, and another not to have',
    ({ history, evidence }) => ({
      history: {
        operations: [
          ...changed(history.operations, { id: 2 }, { outcome: 'unknown', status: null, orderId: null }),
          operation(20, { kind: 'order', requestId: 'request-20', outcome: 'unknown' }),
        ],
      },
      evidence: { orders: [...evidence.orders] },
    }),
    { attempted: 6, acknowledged: 4, unknown: 2, recovered: 1 },
  );
  holds(
    'when a twin was told that the first is being worked on',
    ({ history }) => ({
      history: {
        operations: [
          ...history.operations,
          operation(20, { kind: 'order', requestId: 'request-1', outcome: 'failed', code: 'REQUEST_IN_PROGRESS' }),
        ],
      },
    }),
    { attempted: 6 },
  );

  holds(
    'when a registration of unknown outcome is found to have happened',
    ({ history, evidence }) => ({
      history: {
        operations: [
          ...history.operations,
          operation(20, { kind: 'register', outcome: 'unknown' }),
          operation(21, { kind: 'register', email: 'New@example.com', userId: 8 }),
        ],
      },
      evidence: { users: [...evidence.users, { id: 8, email: 'new@example.com', verified: true }] },
    }),
    { attempted: 7, acknowledged: 6, unknown: 1, recovered: 1 },
  );

  caught(
    'users that were answered and are not there, or are there twice',
    ({ history, evidence }) => ({
      history: { operations: [...history.operations, operation(20, { kind: 'register', email: 'gone@example.com' })] },
      evidence: { users: [...evidence.users, { ...rowOf(evidence.users, { id: 7 }), id: 8 }] },
    }),
    { lost: 1, duplicated: 1 },
    /user gone@example.com was answered to operation 20 and does not exist[\s\S]*has users 7, 8/,
  );
  caught(
    'an order that was answered and is not there',
    ({ evidence }) => ({ evidence: { orders: without(evidence.orders, { id: 2 }) } }),
    { lost: 1 },
    /order 2 was answered to operation 2 \(request request-2\)/,
  );
  caught(
    'two more orders of one request',
    ({ evidence }) => {
      const order = rowOf(evidence.orders, { id: 1 });
      return { evidence: { orders: [...evidence.orders, { ...order, id: 21 }, { ...order, id: 22 }] } };
    },
    { duplicated: 2 },
    /request 7\/request-1 has orders 1, 21, 22/,
  );
  caught(
    'an order that nobody asked for',
    ({ evidence }) => {
      const order = rowOf(evidence.orders, { id: 1 });
      return { evidence: { orders: [...evidence.orders, { ...order, id: 21, requestId: 'made-up' }] } };
    },
    { unexpected: 1 },
    /order 21 of request 7\/made-up was never asked for/,
  );
  caught(
    'an order although it was refused',
    ({ history }) => ({
      history: {
        operations: changed(history.operations, { id: 2 }, { outcome: 'failed', code: 'OUT_OF_STOCK', orderId: null }),
      },
    }),
    { unexpected: 1 },
    /order 2 exists, operation 2 was refused with OUT_OF_STOCK/,
  );
  caught(
    'an answer that named the order of another request',
    ({ history }) => ({ history: { operations: changed(history.operations, { id: 2 }, { orderId: 3 }) } }),
    { unexpected: 1 },
    /operation 2 was answered order 3, which belongs to request request-3/,
  );
  caught(
    'items that were not asked for',
    ({ evidence }) => ({
      evidence: {
        orders: changed(evidence.orders, { id: 1 }, { items: [{ productId: 2, quantity: 2, unitPriceMinor: 1_000 }] }),
      },
    }),
    { unexpected: 1 },
    /asked for 2 of 1, has 2 of 2/,
  );
  caught(
    'a total that is not the sum of the items',
    ({ evidence }) => ({ evidence: { orders: changed(evidence.orders, { id: 1 }, { totalMinor: 1 }) } }),
    { unexpected: 1 },
    /its total is 1, its items come to 2000/,
  );
  caught(
    'an order that goes to another address',
    ({ evidence }) => ({ evidence: { orders: changed(evidence.orders, { id: 1 }, { shippingAddress: 'Elsewhere' }) } }),
    { unexpected: 1 },
    /shipping_address is not what was asked for/,
  );

  it('counts exactly what was lost and duplicated, whatever became of each order', () => {
    const { history, evidence } = healthy();
    const copies = fc.array(fc.nat(3), { minLength: evidence.orders.length, maxLength: evidence.orders.length });
    fc.assert(
      fc.property(copies, (counts) => {
        const orders = evidence.orders.flatMap((order, index) =>
          Array.from({ length: counts[index] ?? 0 }, (_, copy) => ({ ...order, id: order.id + copy * 100 })),
        );
        const { counts: found } = checkOrders(history, { ...evidence, orders });
        const lost = counts.filter((count) => count === 0).length;
        const duplicated = counts.reduce((sum, count) => sum + Math.max(0, count - 1), 0);
        assert.deepEqual([found.lost, found.duplicated, found.unexpected], [lost, duplicated, 0]);
      }),
    );
  });
});
