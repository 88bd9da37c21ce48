import { invariant } from './breaking.ts';
import { changed, rowOf, without } from './healthy.ts';
import { checkReservations } from './i4-reservations.ts';

describe('I4, reservations', () => {
  const { holds, caught } = invariant(checkReservations);

  holds('when each is what its order is', undefined, { attempted: 5, acknowledged: 5 });
  holds('when a customer cancelled what product then rejected', ({ evidence }) => ({
    evidence: { orders: changed(evidence.orders, { id: 4 }, { reason: 'CUSTOMER_CANCELLED' }) },
  }));

  caught(
    'pieces that a cancelled order still holds',
    ({ evidence }) => ({
      evidence: {
        reservations: changed(evidence.reservations, { orderId: 2 }, { state: 'reserved' }),
        events: without(evidence.events, { id: 'stock.released/2' }),
      },
    }),
    { unexpected: 1 },
    /order 2 is CANCELLED \(CUSTOMER_CANCELLED\), its stock is reserved/,
  );
  caught(
    'an order that waits without its pieces',
    ({ evidence }) => {
      const told = { ...rowOf(evidence.events, { id: 'stock.released/2' }), id: 'early', offset: 99 };
      return {
        evidence: {
          reservations: changed(evidence.reservations, { orderId: 5 }, { state: 'released' }),
          events: [...evidence.events, { ...told, data: { ...told.data, order_id: 5 } }],
        },
      };
    },
    { lost: 1 },
    /order 5 is PENDING, its stock is released/,
  );
  caught(
    'an order that product never decided',
    ({ evidence }) => ({ evidence: { reservations: without(evidence.reservations, { orderId: 1 }) } }),
    { lost: 1 },
    /order 1 is COMPLETED and product never decided its stock/,
  );
  caught(
    'pieces that were released twice',
    ({ evidence }) => {
      const event = rowOf(evidence.events, { id: 'stock.released/3' });
      return { evidence: { events: [...evidence.events, { ...event, id: 'again', offset: 99 }] } };
    },
    { duplicated: 1 },
    /order 3: stock.released as stock.released\/3, again/,
  );
  caught(
    'a reservation for an order that does not exist',
    ({ evidence }) => ({
      evidence: { reservations: [...evidence.reservations, { orderId: 6, state: 'reserved', lines: [] }] },
    }),
    { unexpected: 1 },
    /stock is reserved for order 6, which does not exist/,
  );
  caught(
    'a reservation for other pieces',
    ({ evidence }) => ({
      evidence: {
        reservations: changed(evidence.reservations, { orderId: 5 }, { lines: [{ productId: 2, quantity: 1 }] }),
      },
    }),
    { unexpected: 1 },
    /order 5: its reservation is for other pieces/,
  );
});
