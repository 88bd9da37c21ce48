import assert from 'node:assert/strict';
import { parseEvent } from '@punctual/contracts';
import {
  DAY,
  EURO_ID,
  GONE_ID,
  LAMP_ID,
  type OrderDatabase,
  openOrderDatabase,
  orderRequest,
  RUG_ID,
} from '../../test/order-database.ts';
import { type OrderRequest, placeOrders } from './place-orders.ts';

const line = (productId: number, quantity = 1, seenPriceMinor?: number) => ({ productId, quantity, seenPriceMinor });

describe('place_orders', () => {
  let data: OrderDatabase;
  before(async () => {
    data = await openOrderDatabase('place-orders');
  });
  after(() => data.close());

  const place = (requests: readonly OrderRequest[]) => placeOrders(data.db.primary, requests, DAY);

  it('wakes the orders of one commit with one message', async () => {
    const placed = await place([1, 2, 3].map(() => orderRequest({ items: [line(LAMP_ID)] })));
    const ids = placed.map((answer) => (answer.outcome === 'created' ? answer.facts.id : assert.fail(answer.outcome)));
    const wakeUps = await data.query<{ payload: unknown }>(
      `SELECT payload FROM outbox WHERE transport = 'rabbit' AND subject = :subject`,
      { subject: String(Math.min(...ids)) },
    );
    assert.deepEqual(
      wakeUps.map(({ payload }) => payload),
      [{ order_ids: ids.toSorted((a, b) => a - b) }],
    );
  });

  it('writes order, items, timers, history and outbox at once, priced from the projection', async () => {
    const [placed] = await place([orderRequest({ items: [line(RUG_ID), line(LAMP_ID, 2)], traceparent: '00-abc' })]);
    assert.ok(placed?.outcome === 'created');
    const { id, createdAt, expiresAt } = placed.facts;
    assert.equal(placed.facts.totalMinor, 14_999);
    assert.deepEqual(
      placed.facts.items.map(({ name, quantity, unitPriceMinor }) => ({ name, quantity, unitPriceMinor })),
      [
        { name: 'Rug', quantity: 1, unitPriceMinor: 9_999 },
        { name: 'Lamp', quantity: 2, unitPriceMinor: 2_500 },
      ],
    );
    assert.equal(Date.parse(expiresAt) - Date.parse(createdAt), DAY.expiryMs);
    const timers = await data.query<{ kind: string; state: string; after_ms: number }>(
      `SELECT kind, state, CAST(extract(epoch FROM due_at - created_at) * 1000 AS float8) AS after_ms
       FROM order_timers JOIN orders ON id = order_id WHERE order_id = :id ORDER BY due_at`,
      { id },
    );
    assert.deepEqual(
      timers.map((timer) => [timer.kind, timer.state, timer.after_ms]),
      [
        ['reminder-1', 'waiting', DAY.remindersMs[0]],
        ['reminder-2', 'waiting', DAY.remindersMs[1]],
        ['reminder-3', 'waiting', DAY.remindersMs[2]],
        ['expiry', 'waiting', DAY.expiryMs],
      ],
    );
    const outbox = await data.query<{ transport: string; type: string; due: boolean; payload: unknown }>(
      `SELECT transport, o.type, payload, traceparent, due_at = (SELECT min(due_at) FROM order_timers WHERE order_id = :id) AS due
       FROM outbox o WHERE subject = :subject ORDER BY transport`,
      { id, subject: String(id) },
    );
    assert.deepEqual(
      outbox.map(({ transport, type, due }) => [transport, type, due]),
      [
        ['kafka', 'order.created', null],
        ['rabbit', 'order.reminder', true],
      ],
    );
    const event = parseEvent('order.created', outbox[0]?.payload);
    assert.deepEqual([event.created_at, event.expires_at, event.total_minor], [createdAt, expiresAt, 14_999]);
    assert.deepEqual(outbox[1]?.payload, { order_ids: [id] });
    assert.equal((await data.query('SELECT id FROM order_events WHERE order_id = :id', { id })).length, 1);
  });

  it('answers every order of a batch by itself: a bad one does not fail its neighbours', async () => {
    const twin = orderRequest();
    const outcomes = await place([
      orderRequest(),
      orderRequest({ items: [line(LAMP_ID), line(999)] }),
      orderRequest({ items: [line(GONE_ID)] }),
      orderRequest({ items: [line(LAMP_ID), line(EURO_ID)] }),
      orderRequest({ items: [line(LAMP_ID, 1, 2_400)] }),
      orderRequest({ items: [line(RUG_ID, 4)] }),
      twin,
      twin,
      { ...twin, hash: 'bb' },
      orderRequest({ items: [line(LAMP_ID, 1, 2_500)] }),
    ]);
    assert.deepEqual(
      outcomes.map(({ outcome }) => outcome),
      [
        'created',
        'unknown_product',
        'product_deleted',
        'mixed_currency',
        'price_changed',
        'out_of_stock',
        'created',
        'replayed',
        'reused',
        'created',
      ],
    );
    const [, unknown, , , price, stock, first, replay] = outcomes;
    assert.deepEqual(unknown && 'lines' in unknown && unknown.lines.map((item) => item.product_id), [999]);
    assert.deepEqual(price && 'lines' in price && price.lines.map((item) => [item.seen_minor, item.price_minor]), [
      [2_400, 2_500],
    ]);
    assert.deepEqual(stock && 'lines' in stock && stock.lines.map((item) => [item.requested, item.available]), [
      [4, 3],
    ]);
    assert.deepEqual(replay && 'facts' in replay && replay.facts, first && 'facts' in first && first.facts);
  });

  it('lets the first acceptable of two twins win when the one before it is refused', async () => {
    const twin = orderRequest({ items: [line(RUG_ID, 4)] });
    const [refused, created] = await place([twin, { ...twin, hash: 'bb', items: [line(RUG_ID, 3)] }]);
    // The order now exists under this request id, with another body than the first twin's.
    assert.deepEqual([refused?.outcome, created?.outcome], ['reused', 'created']);
  });

  it('answers a known request id before any complaint about prices, stock or products', async () => {
    const request = orderRequest({ items: [line(EURO_ID, 10, 1_000)] });
    const [first] = await place([request]);
    await data.query('UPDATE products SET available = 0, price_minor = 1, deleted = true WHERE product_id = :id', {
      id: EURO_ID,
    });
    const [replay] = await place([request]);
    const [reused] = await place([{ ...request, hash: 'bb' }]);
    assert.equal(replay?.outcome, 'replayed');
    assert.deepEqual(replay && 'facts' in replay && replay.facts, first && 'facts' in first && first.facts);
    assert.equal(reused?.outcome, 'reused');
  });

  it('makes one order of 100 equal requests in parallel transactions', async () => {
    const request = orderRequest({ userId: 77 });
    const outcomes = (await Promise.all(Array.from({ length: 100 }, () => place([request])))).flat();
    assert.equal(outcomes.filter(({ outcome }) => outcome === 'created').length, 1);
    assert.equal(outcomes.filter(({ outcome }) => outcome === 'replayed').length, 99);
    assert.equal(new Set(outcomes.map((answer) => 'facts' in answer && JSON.stringify(answer.facts))).size, 1);
    assert.equal((await data.query('SELECT id FROM orders WHERE user_id = 77')).length, 1);
  });

  it('does not deadlock when batches hold the same requests in different orders', async () => {
    for (let round = 0; round < 5; round += 1) {
      const requests = Array.from({ length: 64 }, () => orderRequest({ userId: 78 }));
      const batches = Array.from({ length: 8 }, (_, index) => (index % 2 === 0 ? requests : requests.toReversed()));
      const outcomes = (await Promise.all(batches.map(place))).flat();
      assert.equal(outcomes.filter(({ outcome }) => outcome === 'created').length, 64);
      assert.equal(outcomes.filter(({ outcome }) => outcome === 'replayed').length, 7 * 64);
    }
  });

  it('needs a product whose stock alone is known to be asked for', async () => {
    await data.query(`INSERT INTO products VALUES (55, 0, '', 0, '', false, 10, 7)`);
    const [placed] = await place([orderRequest({ items: [line(55)] })]);
    assert.equal(placed?.outcome, 'unknown_product');
  });
});
