import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { orderApi, Paging } from '@punctual/contracts';
import { eventually } from '@punctual/testing';
import { type Answer, type Customer, type RunningOrder, startOrder } from './running-order.ts';

const LAMP = { id: 1, name: 'Lamp', priceMinor: 2_500, quantity: 1_000_000 };
const ITEM = { product_id: LAMP.id, quantity: 1 };
const ADDRESS = '1 Test Street';
const NOWHERE = '127.0.0.1:9';

describe('requests to the order service', () => {
  let shop: RunningOrder;
  let ann: Customer;

  before(async function () {
    this.timeout(60_000);
    shop = await startOrder('order-requests');
    shop.productService.products.set(LAMP.id, LAMP);
    ann = await shop.customer();
  });
  after(() => shop.stop());

  const order = (fields: Record<string, unknown> = {}) => ({
    request_id: randomUUID(),
    shipping_address: ADDRESS,
    items: [ITEM],
    ...fields,
  });

  describe('that are wrong', () => {
    const wrong: [string, unknown, string][] = [
      ['an unknown key', { ...order(), colour: 'red' }, 'colour'],
      ['an unknown key of an item', order({ items: [{ ...ITEM, colour: 'red' }] }), 'items[0].colour'],
      ['no items', order({ items: [] }), 'items'],
      ['a quantity of 0', order({ items: [{ ...ITEM, quantity: 0 }] }), 'items[0].quantity'],
      ['half a piece', order({ items: [{ ...ITEM, quantity: 0.5 }] }), 'items[0].quantity'],
      ['a quantity beyond all measure', order({ items: [{ ...ITEM, quantity: 1e21 }] }), 'items[0].quantity'],
      ['a quantity as text', order({ items: [{ ...ITEM, quantity: '1' }] }), 'items[0].quantity'],
      ['an id beyond 2^53', order({ items: [{ ...ITEM, product_id: 2 ** 53 }] }), 'items[0].product_id'],
      ['a product twice', order({ items: [ITEM, ITEM] }), 'items[1].product_id'],
      ['a price with three decimals', order({ items: [{ ...ITEM, unit_price: '1.005' }] }), 'items[0].unit_price'],
      ['an empty address', order({ shipping_address: ' ' }), 'shipping_address'],
      ['a NUL character', order({ notes: 'a\0b' }), 'notes'],
      ['half of a surrogate pair', order({ description: 'a\ud800' }), 'description'],
      ['a request_id with a space', order({ request_id: 'a b' }), 'request_id'],
      ['no request_id', { shipping_address: ADDRESS, items: [ITEM] }, 'request_id'],
      ['malformed JSON', '{"items":', 'body'],
      ['no body', undefined, 'body'],
    ];
    for (const [what, body, field] of wrong) {
      it(`for ${what} are refused with the field, and nothing is written`, async () => {
        const answer = await ann.request('POST', '/orders', body);
        assert.deepEqual([answer.status, answer.error.code], [400, 'VALIDATION_FAILED']);
        const fields = (answer.error.details as { field: string }[]).map((problem) => problem.field);
        assert.ok(fields.includes(field), `${field} is not among ${fields}`);
        assert.deepEqual(await shop.query('SELECT id FROM orders WHERE user_id = :userId', { userId: ann.userId }), []);
      });
    }

    it('by their header are refused: another Idempotency-Key than request_id', async () => {
      const answer = await ann.request('POST', '/orders', order({ request_id: 'a' }), { 'idempotency-key': 'b' });
      assert.deepEqual([answer.status, answer.error.code], [400, 'VALIDATION_FAILED']);
    });

    it('in their address, query or method are refused each in its way', async () => {
      const expected: [string, string, number][] = [
        ['GET', '/orders/0', 400],
        ['GET', '/orders/abc', 400],
        ['GET', '/orders/9007199254740993', 400],
        ['GET', '/orders/1', 404],
        ['GET', '/orders?start-date=30-02-2026', 400],
        ['GET', '/orders?start-date=2026-02-02&end-date=2026-02-01', 400],
        ['GET', '/orders?status=LOST', 400],
        ['GET', '/orders?limit=1000', 400],
        ['GET', '/orders?colour=red', 400],
        ['DELETE', '/orders/1', 405],
        ['GET', '/nothing', 404],
      ];
      for (const [method, path, status] of expected) {
        assert.equal((await ann.request(method, path)).status, status, `${method} ${path}`);
      }
      const text = await ann.request('POST', '/orders', 'hello', { 'content-type': 'text/plain' });
      assert.equal(text.status, 415);
      const huge = await ann.request('POST', '/orders', order({ notes: 'x'.repeat(1_000_001) }));
      assert.equal(huge.status, 413);
      assert.equal((await fetch(`${shop.url}/orders`)).status, 401);
    });
  });

  it('for lists are answered newest first, page by page, own orders only, and all to an administrator', async () => {
    const bob = await shop.customer();
    const admin = await shop.customer({ role: 'admin' });
    const ids: number[] = [];
    for (let index = 0; index < 5; index += 1) ids.push((await bob.place([ITEM])).data.id);
    await bob.request('POST', `/orders/${ids[0]}/cancel`);
    const today = new Date().toISOString().slice(0, 10);
    const list = (who: Customer, query: string, path = '/orders') =>
      who.request<orderApi.OrderView[]>('GET', `${path}?${query}`);
    const idsOf = (answer: Answer<orderApi.OrderView[]>) => answer.data.map(({ id }) => id);

    const newestFirst = ids.toReversed();
    await eventually(async () => assert.deepEqual(idsOf(await list(bob, '')), newestFirst));
    const second = await list(bob, `page=2&limit=2&start-date=${today}&end-date=${today}`);
    assert.deepEqual(idsOf(second), newestFirst.slice(2, 4));
    const { total_items, total_pages } = second.paging as Paging;
    assert.deepEqual({ total_items, total_pages }, { total_items: 5, total_pages: 3 });
    assert.ok(second.data.every(({ items }) => items.length === 1 && items[0]?.name === 'Lamp'));
    await eventually(async () => assert.deepEqual(idsOf(await list(bob, 'status=CANCELLED')), [ids[0]]));
    assert.deepEqual(idsOf(await list(bob, 'end-date=2020-01-01')), []);
    const all = await list(admin, 'limit=100');
    assert.ok(ids.every((id) => idsOf(all).includes(id)));
    assert.deepEqual(idsOf(await list(admin, '', '/orders/my-orders')), []);
  });

  it('are seen in health and metrics', async () => {
    await eventually(async () => assert.equal((await fetch(`${shop.url}/health/ready`)).status, 200));
    const metrics = await shop.metrics();
    for (const name of ['orders_placed_total', 'group_commit_batch_size', 'redis_lock_total', 'outbox_rows']) {
      assert.match(metrics, new RegExp(`^${name}`, 'm'));
    }
  });
});

describe('a user with many unpaid orders', () => {
  const MAX_OPEN = 5;
  let shop: RunningOrder;

  before(async function () {
    this.timeout(60_000);
    shop = await startOrder('order-hoard', { ORDER_MAX_OPEN: String(MAX_OPEN) });
    shop.productService.products.set(LAMP.id, LAMP);
  });
  after(() => shop.stop());

  for (const role of ['customer', 'admin'] as const) {
    it(`gets no further one, though asking for 40 at once as ${role}, until one is paid or cancelled`, async () => {
      const hoarder = await shop.customer({ role });
      const answers = await Promise.all(Array.from({ length: 40 }, () => hoarder.place([ITEM])));
      const created = answers.filter(({ status }) => status === 201);
      const refused = answers.filter(({ status }) => status === 429);
      assert.deepEqual([created.length, refused.length], [MAX_OPEN, 40 - MAX_OPEN]);
      for (const { error } of refused) {
        assert.equal(error.code, 'TOO_MANY_OPEN_ORDERS');
        assert.deepEqual(error.details, { open: MAX_OPEN, limit: MAX_OPEN });
      }
      const neighbour = await shop.customer();
      assert.equal((await neighbour.place([ITEM])).status, 201);
      await hoarder.request('POST', `/orders/${created[0]?.data.id}/cancel`);
      assert.equal((await hoarder.place([ITEM])).status, 201);
      assert.equal((await hoarder.place([ITEM])).status, 429);
    });
  }
});

describe('orders while Redis, Kafka and RabbitMQ are away', () => {
  let shop: RunningOrder;

  before(async function () {
    this.timeout(60_000);
    shop = await startOrder('order-alone', {
      REDIS_NODES: NOWHERE,
      KAFKA_BROKERS: NOWHERE,
      RABBITMQ_URL: `amqp://${NOWHERE}`,
    });
    shop.productService.products.set(LAMP.id, LAMP);
  });
  after(async function () {
    this.timeout(60_000);
    await shop.stop();
  });

  it('are taken all the same, one for 100 parallel requests of one request_id, and wait in the outbox', async () => {
    const ann = await shop.customer();
    const requestId = randomUUID();
    const answers = await Promise.all(Array.from({ length: 100 }, () => ann.place([ITEM], requestId)));
    assert.ok(answers.every(({ status }) => status === 201));
    assert.equal(new Set(answers.map(({ text }) => text)).size, 1);
    const outbox = await shop.query<{ type: string }>('SELECT type FROM outbox ORDER BY transport');
    assert.deepEqual(
      outbox.map(({ type }) => type),
      ['order.created', 'order.reminder'],
    );
    assert.equal((await fetch(`${shop.url}/health/live`)).status, 200);
    assert.equal((await fetch(`${shop.url}/health/ready`)).status, 503);
  });
});
