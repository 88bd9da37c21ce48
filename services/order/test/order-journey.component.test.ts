import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { orderApi } from '@punctual/contracts';
import { createPolicies } from '@punctual/resilience';
import { createMetrics, silentLogger } from '@punctual/telemetry';
import { eventually, servers } from '@punctual/testing';
import { createRequestLocks } from '../src/commands/request-lock.ts';
import { type RunningOrder, startOrder } from './running-order.ts';

const LAMP = { id: 1, name: 'Lamp', priceMinor: 2_500, quantity: 1_000_000 };
const RUG = { id: 2, name: 'Rug', priceMinor: 9_999, quantity: 3 };
const BREAKERS = {
  CIRCUIT_BREAKER_MAX_REQUESTS: 3,
  CIRCUIT_BREAKER_INTERVAL: 60_000,
  CIRCUIT_BREAKER_TIMEOUT: 30_000,
};

describe('an order', () => {
  let shop: RunningOrder;

  before(async function () {
    this.timeout(60_000);
    shop = await startOrder('order-journey', {}, ['api', 'worker']);
    for (const product of [LAMP, RUG]) shop.productService.products.set(product.id, product);
  });
  after(() => shop.stop());
  beforeEach(() => {
    shop.stock.policy = 'reserve';
    shop.productService.comeBack();
  });

  it('goes from placed over reserved to paid, and tells the customer and the shop', async () => {
    const ann = await shop.customer();
    const placed = await ann.place([
      { product_id: RUG.id, quantity: 1 },
      { product_id: LAMP.id, quantity: 2 },
    ]);
    assert.equal(placed.status, 201);
    const { id } = placed.data;
    assert.deepEqual(
      placed.data.items.map(({ name, unit_price, total_price }) => [name, unit_price, total_price]),
      [
        ['Rug', '99.99', '99.99'],
        ['Lamp', '25.00', '50.00'],
      ],
    );
    assert.equal(placed.data.total_amount, '149.99');
    assert.deepEqual(await ann.order(id).then(({ status, request_id }) => ({ status, request_id })), {
      status: 'PENDING',
      request_id: placed.data.request_id,
    });

    await eventually(async () => assert.equal((await ann.order(id)).stock, 'reserved'));
    const paid = await ann.request<orderApi.OrderView>('POST', `/orders/${id}/pay`);
    assert.equal(paid.status, 200);
    assert.equal(paid.data.status, 'PAID');

    await eventually(() => {
      assert.deepEqual(shop.eventsOf(id), ['order.created', 'order.paid']);
      assert.deepEqual(
        shop.mailsOf(id).map(({ type }) => type),
        ['mail.order-confirmation', 'mail.order-paid'],
      );
    });
    const [confirmation] = shop.mailsOf(id);
    assert.match(String(confirmation?.data.intent), new RegExp(`^order:${id}:\\d+:order-confirmation$`));
    assert.equal(confirmation?.data.to, ann.email);

    const timeline = await ann.request<orderApi.TimelineEntry[]>('GET', `/orders/${id}/timeline`);
    assert.deepEqual(
      timeline.data.map(({ type, actor, from, to }) => [type, actor, from, to]),
      [
        ['order.created', `user:${ann.userId}`, null, 'PENDING'],
        ['stock.reserved', 'product', null, null],
        ['order.paid', 'payment', 'PENDING', 'PAID'],
      ],
    );
    const timers = await shop.query<{ kind: string; state: string }>(
      'SELECT kind, state FROM order_timers WHERE order_id = :id ORDER BY due_at',
      { id },
    );
    assert.deepEqual(
      timers.map(({ kind, state }) => `${kind} ${state}`),
      ['reminder-1 cancelled', 'reminder-2 cancelled', 'reminder-3 cancelled', 'expiry waiting'],
    );
  });

  it('is one order for 100 parallel requests of one request_id, all answered alike or told to wait', async () => {
    const ann = await shop.customer();
    const requestId = randomUUID();
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => ann.place([{ product_id: LAMP.id, quantity: 1 }], requestId)),
    );
    const created = answers.filter((answer) => answer.status === 201);
    const waiting = answers.filter((answer) => answer.status === 409);
    assert.equal(created.length + waiting.length, 100);
    assert.ok(created.length > 0);
    assert.equal(new Set(created.map((answer) => answer.text)).size, 1);
    for (const answer of waiting) {
      assert.equal(answer.error.code, 'REQUEST_IN_PROGRESS');
      assert.equal(answer.headers.get('retry-after'), '1');
    }
    const stored = await shop.query('SELECT id FROM orders WHERE user_id = :userId', { userId: ann.userId });
    assert.equal(stored.length, 1);
  });

  it('answers a replay byte for byte as at first, whatever has become of the order', async () => {
    const ann = await shop.customer();
    const requestId = randomUUID();
    const items = [{ product_id: LAMP.id, quantity: 1 }];
    const first = await ann.place(items, requestId);
    await eventually(async () => assert.equal((await ann.order(first.data.id)).stock, 'reserved'));
    await ann.request('POST', `/orders/${first.data.id}/pay`);
    const body = { shipping_address: ' 1 Test Street ', items };
    const replay = await ann.request('POST', '/orders', body, { 'idempotency-key': requestId });
    assert.equal(replay.status, 201);
    assert.equal(replay.text, first.text);
    assert.equal((await ann.order(first.data.id)).status, 'PAID');
  });

  it('answers a replay although whoever placed the order could not unlock its request', async () => {
    const ann = await shop.customer();
    const requestId = randomUUID();
    const items = [{ product_id: LAMP.id, quantity: 1 }];
    const [logger, metrics] = [silentLogger(), createMetrics('test')];
    const policies = createPolicies(BREAKERS, { logger, metrics });
    const { nodes } = servers().redis;
    const locks = createRequestLocks({ nodes, keyPrefix: shop.topicPrefix, policies, logger, metrics });
    await locks.start();
    await eventually(() => locks.ping());
    assert.equal((await locks.acquire(ann.userId, requestId)).state, 'acquired');
    assert.equal((await ann.place(items, requestId)).error.code, 'REQUEST_IN_PROGRESS');

    const first = await ann.place(items);
    const firstId = (await ann.order(first.data.id)).request_id;
    assert.equal((await locks.acquire(ann.userId, firstId)).state, 'acquired');
    const replay = await ann.place(items, firstId);
    assert.deepEqual([replay.status, replay.text], [201, first.text]);
    await locks.stop();
  });

  it('refuses a request_id that comes again with another body, and takes it from another customer', async () => {
    const ann = await shop.customer();
    const requestId = randomUUID();
    await ann.place([{ product_id: LAMP.id, quantity: 1 }], requestId);
    const other = await ann.place([{ product_id: LAMP.id, quantity: 2 }], requestId);
    assert.deepEqual([other.status, other.error.code], [422, 'REQUEST_ID_REUSED']);
    const bob = await shop.customer();
    assert.equal((await bob.place([{ product_id: LAMP.id, quantity: 2 }], requestId)).status, 201);
  });

  it('is not there for anybody but its customer and administrators', async () => {
    const ann = await shop.customer();
    const bob = await shop.customer();
    const admin = await shop.customer({ role: 'admin' });
    const { data } = await ann.place([{ product_id: LAMP.id, quantity: 1 }]);
    for (const [method, path, body] of [
      ['GET', `/orders/${data.id}`],
      ['GET', `/orders/${data.id}/timeline`],
      ['POST', `/orders/${data.id}/pay`],
      ['POST', `/orders/${data.id}/cancel`],
      ['POST', '/orders/pay', { order_id: data.id }],
      ['POST', '/orders/cancel', { order_id: data.id }],
    ] as const) {
      const answer = await bob.request(method, path, body);
      assert.deepEqual([answer.status, answer.error.code], [404, 'NOT_FOUND'], path);
    }
    assert.equal((await admin.request('GET', `/orders/${data.id}`)).status, 200);
    assert.equal((await ann.order(data.id)).status, 'PENDING');
  });

  it('that is cancelled stays so: every further step is refused with the current state', async () => {
    const ann = await shop.customer();
    const { data } = await ann.place([{ product_id: LAMP.id, quantity: 1 }]);
    const cancelled = await ann.request<orderApi.OrderView>('POST', `/orders/${data.id}/cancel`);
    assert.deepEqual([cancelled.data.status, cancelled.data.reason], ['CANCELLED', 'CUSTOMER_CANCELLED']);
    for (const step of ['pay', 'cancel']) {
      const refused = await ann.request('POST', `/orders/${step}`, { order_id: data.id });
      assert.deepEqual([refused.status, refused.error.code], [409, 'ILLEGAL_TRANSITION']);
      assert.equal((refused.error.details as { current: string }).current, 'CANCELLED');
    }
    await eventually(() => {
      assert.deepEqual(shop.eventsOf(data.id), ['order.created', 'order.cancelled']);
      assert.deepEqual(shop.mailsOf(data.id, 'mail.order-cancelled').length, 1);
    });
  });

  it('that product rejects is cancelled for want of stock, with a mail that says so', async () => {
    shop.stock.policy = 'reject';
    const ann = await shop.customer();
    const { data } = await ann.place([{ product_id: LAMP.id, quantity: 1 }]);
    await eventually(async () => {
      const { status, reason, stock } = await ann.order(data.id);
      assert.deepEqual({ status, reason, stock }, { status: 'CANCELLED', reason: 'OUT_OF_STOCK', stock: 'rejected' });
      assert.equal(shop.mailsOf(data.id, 'mail.order-cancelled')[0]?.data.reason, 'OUT_OF_STOCK');
    });
  });

  it('cannot be paid while its stock is pending; the payment waits for the reservation a while', async () => {
    shop.stock.policy = 'silent';
    const ann = await shop.customer();
    const { data } = await ann.place([{ product_id: LAMP.id, quantity: 1 }]);
    const refused = await ann.request('POST', `/orders/${data.id}/pay`);
    assert.deepEqual([refused.status, refused.error.code], [409, 'STOCK_PENDING']);
    const [paid] = await Promise.all([
      ann.request<orderApi.OrderView>('POST', `/orders/${data.id}/pay`),
      shop.publish('stock', 'stock.reserved', data.id, {
        order_id: data.id,
        levels: [],
        reserved_at: new Date().toISOString(),
      }),
    ]);
    assert.equal(paid.data.status, 'PAID');
  });

  it('of a product nobody knows is refused with its id, and while product is away with 503', async () => {
    const ann = await shop.customer();
    const unknown = await ann.place([{ product_id: 404_404, quantity: 1 }]);
    assert.deepEqual([unknown.status, unknown.error.code], [404, 'NOT_FOUND']);
    assert.deepEqual(unknown.error.details, { resource: 'product', product_ids: [404_404] });
    shop.productService.leave();
    const away = await ann.place([{ product_id: 404_405, quantity: 1 }]);
    assert.deepEqual([away.status, away.error.code], [503, 'UNAVAILABLE']);
    assert.ok(away.headers.get('retry-after'));
    const known = await ann.place([{ product_id: LAMP.id, quantity: 1 }]);
    assert.equal(known.status, 201);
  });

  it('beyond the stock or at a price of yesterday is refused with what is available', async () => {
    const ann = await shop.customer();
    const tooMany = await ann.place([{ product_id: RUG.id, quantity: 4 }]);
    assert.deepEqual([tooMany.status, tooMany.error.code], [409, 'OUT_OF_STOCK']);
    assert.deepEqual(tooMany.error.details, [{ product_id: RUG.id, requested: 4, available: 3 }]);
    const stale = await ann.request('POST', '/orders', {
      request_id: randomUUID(),
      shipping_address: 'x',
      items: [{ product_id: LAMP.id, quantity: 1, unit_price: 24.5 }],
    });
    assert.deepEqual([stale.status, stale.error.code], [409, 'PRICE_CHANGED']);
    assert.deepEqual(stale.error.details, [{ product_id: LAMP.id, seen_price: '24.50', unit_price: '25.00' }]);
  });

  it('is priced by the catalog events that came last, in whatever order they came', async () => {
    const ann = await shop.customer();
    const state = (version: number, priceMinor: number) => ({
      product_id: 77,
      version,
      name: `Vase ${version}`,
      description: '',
      price_minor: priceMinor,
      currency: 'USD',
      available: 10,
      stock_version: version,
      changed_at: new Date().toISOString(),
    });
    await shop.publish('product', 'product.updated', 77, state(3, 300));
    await shop.publish('product', 'product.created', 77, state(1, 100));
    await eventually(async () => {
      const placed = await ann.place([{ product_id: 77, quantity: 1 }]);
      assert.equal(placed.data?.total_amount, '3.00');
    });
    await shop.publish('product', 'product.deleted', 77, {
      product_id: 77,
      version: 4,
      deleted_at: new Date().toISOString(),
    });
    await eventually(async () => assert.equal((await ann.place([{ product_id: 77, quantity: 1 }])).status, 404));
  });
});
