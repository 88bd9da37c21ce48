import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Book, type Line, type OrderFact, type Settlement, type StockOnOffer, settleOrders } from './stock.ts';

const row = (productId: number, available: number, more: Partial<StockOnOffer> = {}): StockOnOffer => ({
  productId,
  available,
  reserved: 0,
  sold: 0,
  stockVersion: 1,
  deleted: false,
  ...more,
});
const order = (orderId: number, ...lines: [productId: number, quantity: number][]): OrderFact => ({
  type: 'order.created',
  orderId,
  lines: lines.map(([productId, quantity]) => ({ productId, quantity })),
});
const cancelled = (orderId: number): OrderFact => ({ type: 'order.cancelled', orderId });
const refunded = (orderId: number): OrderFact => ({ type: 'order.refunded', orderId });
const completed = (orderId: number): OrderFact => ({ type: 'order.completed', orderId });
const stockOf = (...stock: StockOnOffer[]): Book => ({ stock, reservations: [] });
const kinds = (settlement: Settlement): string[] => settlement.outcomes.map((outcome) => outcome.kind);

/** The book as the database holds it after the settlement. */
function applied(book: Book, settlement: Settlement): { stock: StockOnOffer[]; reservations: Book['reservations'] } {
  const changes = new Map(settlement.stockChanges.map((change) => [change.productId, change]));
  const settled = new Map([...settlement.created, ...settlement.changed].map((item) => [item.orderId, item]));
  return {
    stock: book.stock.map((before) => {
      const change = changes.get(before.productId);
      if (change === undefined) return before;
      return {
        ...before,
        available: before.available + change.available,
        reserved: before.reserved + change.reserved,
        sold: before.sold + change.sold,
        stockVersion: before.stockVersion + change.version,
      };
    }),
    reservations: [...book.reservations.filter(({ orderId }) => !settled.has(orderId)), ...settled.values()],
  };
}

describe('settling orders', () => {
  it('reserves the whole order and tells the levels after it', () => {
    const settlement = settleOrders(stockOf(row(1, 5), row(2, 5)), [order(10, [2, 3], [1, 5])]);
    assert.deepEqual(settlement.outcomes, [
      {
        kind: 'reserved',
        orderId: 10,
        levels: [
          { productId: 1, available: 0, stockVersion: 2 },
          { productId: 2, available: 2, stockVersion: 2 },
        ],
      },
    ]);
    assert.deepEqual(settlement.stockChanges, [
      { productId: 1, available: -5, reserved: 5, sold: 0, version: 1 },
      { productId: 2, available: -3, reserved: 3, sold: 0, version: 1 },
    ]);
  });

  it('takes nothing when one product of the order is short', () => {
    const settlement = settleOrders(stockOf(row(1, 5), row(2, 1)), [order(10, [1, 1], [2, 2])]);
    assert.deepEqual(settlement.stockChanges, []);
    const [outcome] = settlement.outcomes;
    assert.equal(outcome?.kind, 'rejected');
    assert.deepEqual(outcome.missing, [{ productId: 2, requested: 2, available: 1 }]);
    assert.deepEqual(
      outcome.levels.map((level) => level.productId),
      [1, 2],
    );
  });

  it('sums the changes of a batch to one for each product', () => {
    const facts = Array.from({ length: 500 }, (_, index) => order(index + 1, [1, 1]));
    const settlement = settleOrders(stockOf(row(1, 100)), facts);
    assert.deepEqual(settlement.stockChanges, [
      { productId: 1, available: -100, reserved: 100, sold: 0, version: 100 },
    ]);
    assert.equal(kinds(settlement).filter((kind) => kind === 'reserved').length, 100);
    assert.equal(kinds(settlement).filter((kind) => kind === 'rejected').length, 400);
  });

  it('gives a later order what an earlier one of the batch returned', () => {
    const settlement = settleOrders(stockOf(row(1, 1)), [order(1, [1, 1]), cancelled(1), order(2, [1, 1])]);
    assert.deepEqual(kinds(settlement), ['reserved', 'released', 'reserved']);
    assert.deepEqual(
      settlement.created.map(({ orderId, state }) => [orderId, state]),
      [
        [1, 'released'],
        [2, 'reserved'],
      ],
    );
  });

  it('counts a product that is named twice with both quantities', () => {
    const settlement = settleOrders(stockOf(row(1, 5)), [order(1, [1, 3], [1, 3])]);
    assert.deepEqual(kinds(settlement), ['rejected']);
  });

  it('rejects what is unknown or deleted with nothing available', () => {
    const settlement = settleOrders(stockOf(row(1, 5, { deleted: true })), [order(1, [1, 1]), order(2, [99, 1])]);
    for (const outcome of settlement.outcomes) {
      assert.equal(outcome.kind, 'rejected');
      assert.equal(outcome.missing[0]?.available, 0);
      assert.deepEqual(outcome.levels, []);
    }
  });

  it('takes nothing for an order that was cancelled before it came, now or in a later batch', () => {
    const first = settleOrders(stockOf(row(1, 5)), [cancelled(1)]);
    assert.deepEqual(first.created, [{ orderId: 1, state: 'cancelled_before_created', lines: [] }]);
    const later = settleOrders(applied(stockOf(row(1, 5)), first), [order(1, [1, 1])]);
    assert.deepEqual(kinds(later), ['ignored']);
    assert.deepEqual([later.created, later.changed, later.stockChanges], [[], [], []]);
  });

  it('sells once what was reserved, and takes it back on a refund', () => {
    const book = { stock: [row(1, 5)], reservations: [] };
    const sold = settleOrders(book, [order(1, [1, 2]), completed(1), completed(1), cancelled(1)]);
    assert.deepEqual(kinds(sold), ['reserved', 'sold', 'ignored', 'ignored']);
    assert.deepEqual(sold.stockChanges, [{ productId: 1, available: -2, reserved: 0, sold: 2, version: 1 }]);
    const returned = settleOrders(applied(book, sold), [refunded(1), refunded(1)]);
    assert.deepEqual(kinds(returned), ['released', 'ignored']);
    assert.deepEqual(returned.stockChanges, [{ productId: 1, available: 2, reserved: 0, sold: -2, version: 1 }]);
  });

  const facts = fc.array(
    fc.record({
      type: fc.constantFrom('order.created', 'order.created', 'order.cancelled', 'order.refunded', 'order.completed'),
      orderId: fc.integer({ min: 1, max: 12 }),
      lines: fc.array(
        fc.record({ productId: fc.integer({ min: 1, max: 4 }), quantity: fc.integer({ min: 1, max: 4 }) }),
        {
          minLength: 1,
          maxLength: 4,
        },
      ),
    }),
    { maxLength: 40 },
  ) as fc.Arbitrary<OrderFact[]>;
  const shelves = fc
    .tuple(fc.nat(8), fc.nat(8), fc.nat(8))
    .map((counts) => counts.map((count, at) => row(at + 1, count)));

  it('neither makes nor loses a piece and never goes below zero, however the facts fall and however they are batched', () => {
    fc.assert(
      fc.property(shelves, fc.array(facts, { maxLength: 4 }), (stock, batches) => {
        let book: ReturnType<typeof applied> = { stock, reservations: [] };
        for (const batch of batches) book = applied(book, settleOrders(book, batch));
        for (const [at, shelf] of book.stock.entries()) {
          assert.ok(shelf.available >= 0 && shelf.reserved >= 0 && shelf.sold >= 0);
          assert.equal(shelf.available + shelf.reserved + shelf.sold, stock[at]?.available);
          assert.equal(shelf.reserved, piecesIn(book.reservations, 'reserved', shelf.productId));
          assert.equal(shelf.sold, piecesIn(book.reservations, 'sold', shelf.productId));
        }
        assert.deepEqual(book, {
          ...applied({ stock, reservations: [] }, settleOrders({ stock, reservations: [] }, batches.flat())),
          reservations: book.reservations,
        });
      }),
    );
  });

  it('changes nothing when the same facts come again', () => {
    fc.assert(
      fc.property(shelves, facts, (stock, batch) => {
        const noReturns = batch.filter((fact) => fact.type === 'order.created');
        const once = applied({ stock, reservations: [] }, settleOrders({ stock, reservations: [] }, noReturns));
        const again = settleOrders(once, noReturns);
        assert.deepEqual([again.stockChanges, again.created, again.changed], [[], [], []]);
      }),
    );
  });
});

function piecesIn(reservations: Book['reservations'], state: string, productId: number): number {
  const lines: Line[] = reservations.filter((item) => item.state === state).flatMap((item) => [...item.lines]);
  return lines.filter((line) => line.productId === productId).reduce((sum, line) => sum + line.quantity, 0);
}
