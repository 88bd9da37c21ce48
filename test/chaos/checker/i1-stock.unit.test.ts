import assert from 'node:assert/strict';
import fc from 'fast-check';
import { invariant } from './breaking.ts';
import { changed, healthy, rowOf } from './healthy.ts';
import { checkStock } from './i1-stock.ts';

describe('I1, the sum of stock', () => {
  const { holds, caught } = invariant(checkStock);

  holds('when every piece is accounted for', undefined, { attempted: 2, acknowledged: 2 });

  caught(
    'a piece that has vanished',
    ({ evidence }) => ({ evidence: { products: changed(evidence.products, { id: 1 }, { sold: 1 }) } }),
    { lost: 2 },
    /product 1 lacks 1 pieces[\s\S]*reservations have 2 sold, its stock 1/,
  );
  caught(
    'a piece that nobody brought in',
    ({ evidence }) => ({
      evidence: { products: changed(evidence.products, { id: 2 }, { stocked: 4, projectedStocked: 4 }) },
    }),
    { unexpected: 1 },
    /product 2 has 1 pieces too many/,
  );
  caught(
    'overselling, although the sum is right',
    ({ evidence }) => ({
      evidence: {
        products: changed(evidence.products, { id: 1 }, { available: -1, reserved: 9 }),
        reservations: changed(evidence.reservations, { orderId: 5 }, { lines: [{ productId: 1, quantity: 9 }] }),
        events: evidence.events.filter(({ topic }) => topic === 'order'),
      },
    }),
    { unexpected: 1 },
    /product 1 is oversold/,
  );
  caught(
    'overselling that was made good again, told by an event that no consumer takes',
    ({ evidence }) => {
      const event = rowOf(evidence.events, { id: 'stock.released/2' });
      const data = { ...event.data, levels: [{ product_id: 1, available: -3, stock_version: 4 }] };
      return { evidence: { events: changed(evidence.events, { id: 'stock.released/2' }, { data }) } };
    },
    { unexpected: 1 },
    /product 1 was oversold: event stock.released\/2 tells -3 available/,
  );
  caught(
    'pieces that are reserved for no reservation',
    ({ evidence }) => ({
      evidence: { reservations: changed(evidence.reservations, { orderId: 5 }, { state: 'released' }) },
    }),
    { unexpected: 1 },
    /its stock has 1 reserved, reservations 0/,
  );
  caught(
    'a catalog that disagrees with its own stream',
    ({ evidence }) => ({ evidence: { products: changed(evidence.products, { id: 1 }, { projectedStocked: 11 }) } }),
    { unexpected: 1 },
    /the catalog says 11 brought in, its stream 10/,
  );
  caught(
    'a last event that tells other stock than there is',
    ({ evidence }) => {
      const event = rowOf(evidence.events, { id: 'stock.released/3' });
      const data = { ...event.data, levels: [{ product_id: 2, available: 3, stock_version: 3 }] };
      return { evidence: { events: changed(evidence.events, { id: 'stock.released/3' }, { data }) } };
    },
    { lost: 1 },
    /product 2: the last event tells 3 available, the stock has 5/,
  );
  caught(
    'two events that tell different stock at one version',
    ({ evidence }) => {
      const event = rowOf(evidence.events, { id: 'stock.released/2' });
      const data = { ...event.data, levels: [{ product_id: 1, available: 9, stock_version: 3 }] };
      return { evidence: { events: changed(evidence.events, { id: 'stock.released/2' }, { data }) } };
    },
    { unexpected: 1 },
    /events tell both 7 and 9 at stock version 3/,
  );

  it('catches every shift of any of the three numbers, whatever its size', () => {
    const { history, evidence } = healthy();
    fc.assert(
      fc.property(
        fc.constantFrom('available', 'reserved', 'sold'),
        fc.integer({ min: -100, max: 100 }).filter((by) => by !== 0),
        (column, by) => {
          const [first, ...rest] = evidence.products;
          assert.ok(first);
          const products = [{ ...first, [column]: first[column as 'sold'] + by }, ...rest];
          assert.equal(checkStock(history, { ...evidence, products }).holds, false);
        },
      ),
    );
  });
});
