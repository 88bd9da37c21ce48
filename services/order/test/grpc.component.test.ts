import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { orderApi } from '@punctual/contracts';
import { Fulfillment, OrderServiceDefinition, OrderStatus, StockState } from '@punctual/contracts/grpc/order';
import { PaymentStatus } from '@punctual/contracts/grpc/payment';
import { eventually, grpcRefusal, testGrpcClient } from '@punctual/testing';
import { DECLINED_CARD } from './play-payment-service.ts';
import { type Customer, type RunningOrder, startOrder } from './running-order.ts';

const LAMP = { id: 1, name: 'Lamp', priceMinor: 2_500, quantity: 1_000_000 };
const PARALLEL = 20;
const ADDRESS = '1 Test Street';
const card = (number: string) => ({ number, expMonth: 12, expYear: 2_099, cvc: '123' });
const GOOD = card('4242424242424242');

describe('the order service over gRPC', () => {
  let shop: RunningOrder;
  let client: ReturnType<typeof testGrpcClient<typeof OrderServiceDefinition>>;
  let orders: typeof client.calls;
  let ann: Customer;
  let bob: Customer;
  let admin: Customer;

  before(async function () {
    this.timeout(60_000);
    shop = await startOrder('order-grpc', { PAY_WITH_TEST_CARD: 'false' });
    shop.productService.products.set(LAMP.id, LAMP);
    client = testGrpcClient({
      definition: OrderServiceDefinition,
      address: shop.grpcAddress,
    });
    orders = client.calls;
    ann = await shop.customer();
    bob = await shop.customer();
    admin = await shop.customer({ role: 'admin' });
  });
  after(async () => {
    client.close();
    await shop.stop();
  });

  const newOrder = (fields: Record<string, unknown> = {}) => ({
    requestId: randomUUID(),
    shippingAddress: ADDRESS,
    items: [{ productId: LAMP.id, quantity: 2 }],
    ...fields,
  });
  const place = async (who = ann) => {
    const { order } = await orders.createOrder(newOrder(), who);
    assert.ok(order);
    return order.id;
  };
  async function placeReserved(who = ann): Promise<number> {
    const id = await place(who);
    await eventually(async () => assert.equal((await orders.getOrder({ id }, who)).order?.stock, StockState.RESERVED));
    return id;
  }
  const stored = (requestId: string) =>
    shop.query<{ id: number }>('SELECT id FROM orders WHERE request_id = :requestId', { requestId });

  it('takes an order, and answers the same request alike, over HTTP too', async () => {
    const request = newOrder({
      description: 'For ann',
      items: [{ productId: LAMP.id, quantity: 2, unitPriceMinor: 2_500 }],
    });
    const answers = await Promise.allSettled(Array.from({ length: PARALLEL }, () => orders.createOrder(request, ann)));
    const taken = answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value] : []));
    for (const answer of answers.filter(({ status }) => status === 'rejected')) {
      const { code } = await grpcRefusal(Promise.reject((answer as PromiseRejectedResult).reason));
      assert.equal(code, 'REQUEST_IN_PROGRESS');
    }
    const again = await eventually(() => orders.createOrder(request, ann));
    for (const answer of taken) assert.deepEqual(answer, again);
    const { order } = again;
    assert.ok(order?.createdAt instanceof Date);
    assert.ok(order.expiresAt instanceof Date);
    const [item] = order.items;
    assert.deepEqual(
      { ...order, items: undefined, createdAt: undefined, updatedAt: undefined, expiresAt: undefined },
      {
        id: order.id,
        userId: ann.userId,
        requestId: request.requestId,
        status: OrderStatus.PENDING,
        reason: undefined,
        stock: StockState.PENDING,
        fulfillment: Fulfillment.UNFULFILLED,
        description: 'For ann',
        shippingAddress: ADDRESS,
        notes: '',
        items: undefined,
        totalMinor: 5_000,
        currency: 'USD',
        expiresAt: undefined,
        createdAt: undefined,
        updatedAt: undefined,
      },
    );
    assert.deepEqual(
      { ...item, id: 0 },
      { id: 0, productId: LAMP.id, name: 'Lamp', quantity: 2, unitPriceMinor: 2_500, totalPriceMinor: 5_000 },
    );
    assert.deepEqual(await stored(request.requestId), [{ id: order.id }]);

    const overHttp = await ann.request<orderApi.OrderView>('POST', '/orders', {
      request_id: request.requestId,
      description: 'For ann',
      shipping_address: ADDRESS,
      items: [{ product_id: LAMP.id, quantity: 2, unit_price: '25.00' }],
    });
    assert.deepEqual([overHttp.status, overHttp.data.id], [201, order.id]);
    assert.equal(overHttp.data.created_at, order.createdAt.toISOString());
    const other = await grpcRefusal(orders.createOrder({ ...request, notes: 'and more' }, ann));
    assert.deepEqual(
      [other.code, other.status, other.details],
      ['REQUEST_ID_REUSED', 'ALREADY_EXISTS', { request_id: request.requestId }],
    );
  });

  it('refuses orders as HTTP does, with the same fields, and writes nothing', async () => {
    const item = { productId: LAMP.id, quantity: 1 };
    const body = (fields: Record<string, unknown>) => ({
      request_id: randomUUID(),
      shipping_address: ADDRESS,
      items: [{ product_id: LAMP.id, quantity: 1 }],
      ...fields,
    });
    const pairs: [Record<string, unknown>, Record<string, unknown>][] = [
      [{ requestId: 'a b' }, { request_id: 'a b' }],
      [{ requestId: '' }, { request_id: '' }],
      [{ items: [] }, { items: [] }],
      [{ items: [{ ...item, quantity: 0 }] }, { items: [{ product_id: LAMP.id, quantity: 0 }] }],
      [{ items: [{ ...item, productId: 0 }] }, { items: [{ product_id: 0, quantity: 1 }] }],
      [{ items: [item, item] }, { items: [1, 2].map(() => ({ product_id: LAMP.id, quantity: 1 })) }],
      [{ shippingAddress: ' ' }, { shipping_address: ' ' }],
      [{ notes: 'a\0b' }, { notes: 'a\0b' }],
      [
        { items: [{ ...item, unitPriceMinor: -5 }] },
        { items: [{ product_id: LAMP.id, quantity: 1, unit_price: '-0.05' }] },
      ],
      [
        { items: [{ ...item, unitPriceMinor: 1 }] },
        { items: [{ product_id: LAMP.id, quantity: 1, unit_price: 0.01 }] },
      ],
      [{ items: [{ ...item, productId: 999 }] }, { items: [{ product_id: 999, quantity: 1 }] }],
      [{ items: [{ ...item, quantity: 1_001 }] }, { items: [{ product_id: LAMP.id, quantity: 1_001 }] }],
    ];
    for (const [fields, httpFields] of pairs) {
      const request = newOrder({ items: [item], ...fields });
      const { code, message, details } = await grpcRefusal(orders.createOrder(request, ann));
      const { error } = await ann.request('POST', '/orders', body(httpFields));
      assert.deepEqual(
        { code, message, details },
        { code: error.code, message: error.message, details: error.details },
      );
      assert.deepEqual(await stored(request.requestId), []);
    }
  });

  it('shows orders to their owner and to administrators; to others there are none', async () => {
    const id = await place();
    for (const who of [ann, admin]) assert.equal((await orders.getOrder({ id }, who)).order?.userId, ann.userId);
    for (const call of [
      () => orders.getOrder({ id }, bob),
      () => orders.getTimeline({ id }, bob),
      () => orders.cancelOrder({ id }, bob),
      () => orders.payOrder({ id, card: GOOD }, bob),
    ]) {
      const { code, status, details } = await grpcRefusal(call());
      assert.deepEqual([code, status, details], ['NOT_FOUND', 'NOT_FOUND', { resource: 'order', id }]);
    }
    assert.equal((await ann.order(id)).status, 'PENDING');
    const refund = await grpcRefusal(orders.refundOrder({ id }, ann));
    assert.deepEqual([refund.code, refund.status], ['FORBIDDEN', 'PERMISSION_DENIED']);
    for (const wrong of [0, -1]) {
      const { code, details } = await grpcRefusal(orders.getOrder({ id: wrong }, ann));
      const { error } = await ann.request('GET', `/orders/${wrong}`);
      assert.deepEqual([code, details], [error.code, error.details]);
    }
  });

  it('lists them in windows, newest first: own ones, or all for an administrator', async () => {
    const carl = await shop.customer();
    const ids = [await place(carl), await place(carl), await place(carl)].reverse();
    await orders.cancelOrder({ id: ids[0] ?? 0 }, carl);
    const listed = async (request: Parameters<typeof orders.listOrders>[0], who = carl) => {
      const { orders: found, info } = await orders.listOrders(request, who);
      return { ids: found.map(({ id }) => id), info };
    };
    await eventually(async () => {
      const cancelled = await listed({ status: OrderStatus.CANCELLED });
      assert.deepEqual(cancelled, { ids: ids.slice(0, 1), info: { total: 1, totalIsExact: true, hasMore: false } });
    });
    assert.deepEqual(await listed({ window: { limit: 2, offset: 1 } }), {
      ids: ids.slice(1),
      info: { total: 3, totalIsExact: true, hasMore: false },
    });
    assert.deepEqual((await listed({ window: { limit: 1, offset: 1 } })).info?.hasMore, true);
    const today = new Date().toISOString().slice(0, 10);
    assert.deepEqual((await listed({ startDate: '2020-01-01', endDate: today })).ids, ids);
    assert.deepEqual((await listed({ endDate: '2020-01-01' })).ids, []);
    assert.ok(((await listed({ window: { limit: 100 } }, admin)).info?.total ?? 0) > ids.length);
    assert.deepEqual((await listed({ own: true }, admin)).ids, []);
    for (const [request, path] of [
      [{ status: OrderStatus.UNSPECIFIED }, '?status=UNSPECIFIED'],
      [{ startDate: '2026-02-30' }, '?start-date=2026-02-30'],
      [{ startDate: '2026-02-02', endDate: '2026-02-01' }, '?start-date=2026-02-02&end-date=2026-02-01'],
    ] as const) {
      const { code, details } = await grpcRefusal(orders.listOrders(request, carl));
      const { error } = await carl.request('GET', `/orders${path}`);
      assert.deepEqual([code, details], [error.code, error.details]);
    }
    assert.equal((await grpcRefusal(orders.listOrders({ window: { limit: 0 } }, carl))).status, 'INVALID_ARGUMENT');
  });

  it('pays an order with its payment, refuses a declined card with the reason, and names a wrong one', async () => {
    const id = await placeReserved();
    const declined = await grpcRefusal(orders.payOrder({ id, card: card(DECLINED_CARD) }, ann));
    assert.deepEqual(
      [declined.code, declined.status, declined.details],
      ['PAYMENT_FAILED', 'FAILED_PRECONDITION', { failure: 'CARD_DECLINED' }],
    );
    for (const [request, method] of [
      [{ id }, undefined],
      [
        { id, card: card('4242') },
        { type: 'card', number: '4242', exp_month: 12, exp_year: 2_099, cvc: '123' },
      ],
      [
        { id, card: {} },
        { type: 'card', number: '', exp_month: 0, exp_year: 0, cvc: '' },
      ],
    ] as const) {
      const { code, message, details } = await grpcRefusal(orders.payOrder(request, ann));
      const { error } = await ann.request('POST', `/orders/${id}/pay`, { method });
      assert.deepEqual(
        { code, message, details },
        { code: error.code, message: error.message, details: error.details },
      );
    }
    const { order, payment } = await orders.payOrder({ id, card: GOOD }, ann);
    assert.deepEqual([order?.id, order?.status], [id, OrderStatus.PAID]);
    assert.deepEqual(
      [payment?.orderId, payment?.status, payment?.amountMinor, payment?.cardLast4],
      [id, PaymentStatus.SUCCEEDED, 2_500, '4242'],
    );
    assert.ok(payment?.capturedAt instanceof Date);
    const again = await grpcRefusal(orders.payOrder({ id, card: GOOD }, ann));
    assert.deepEqual([again.code, again.status], ['ILLEGAL_TRANSITION', 'FAILED_PRECONDITION']);
    assert.deepEqual(again.details, { current: 'PAID', fulfillment: 'unfulfilled', requested: 'PAID' });
  });

  it('cancels and refunds as the order allows, and tells all that happened', async () => {
    const cancelledId = await placeReserved();
    const { order: cancelled } = await orders.cancelOrder({ id: cancelledId }, ann);
    assert.deepEqual([cancelled?.status, cancelled?.reason], [OrderStatus.CANCELLED, 'CUSTOMER_CANCELLED']);
    const { entries } = await orders.getTimeline({ id: cancelledId }, ann);
    assert.equal(entries[0]?.type, 'order.created');
    const last = entries.at(-1);
    assert.ok(last?.at instanceof Date);
    assert.deepEqual(
      [last.type, last.actor, last.from, last.to, last.reason],
      ['order.cancelled', `user:${ann.userId}`, 'PENDING', 'CANCELLED', 'CUSTOMER_CANCELLED'],
    );
    const { data } = await ann.request<orderApi.TimelineEntry[]>('GET', `/orders/${cancelledId}/timeline`);
    assert.deepEqual(
      entries.map(({ type, detail }) => ({ type, detail })),
      data.map(({ type, detail }) => ({ type, detail })),
    );

    const id = await placeReserved();
    const early = await grpcRefusal(orders.refundOrder({ id }, admin));
    assert.deepEqual([early.code, early.status], ['ILLEGAL_TRANSITION', 'FAILED_PRECONDITION']);
    await orders.payOrder({ id, card: GOOD }, ann);
    assert.equal((await orders.refundOrder({ id }, admin)).order?.status, OrderStatus.REFUNDED);
    const twice = await grpcRefusal(orders.refundOrder({ id }, admin));
    assert.deepEqual(twice.details, { current: 'REFUNDED', fulfillment: 'unfulfilled', requested: 'REFUNDED' });

    const ids = [id, cancelledId, id + 1_000_000];
    const { timelines } = await orders.batchGetTimelines({ ids }, ann);
    assert.deepEqual(
      timelines.map(({ orderId }) => orderId).toSorted((a, b) => a - b),
      [cancelledId, id],
    );
    assert.deepEqual(timelines.find(({ orderId }) => orderId === cancelledId)?.entries, entries);
    assert.deepEqual((await orders.batchGetTimelines({ ids }, bob)).timelines, []);
    assert.equal((await orders.batchGetTimelines({ ids }, admin)).timelines.length, 2);
  });

  it('answers nobody without a good token', async () => {
    for (const authorization of [undefined, 'Bearer a.b.c']) {
      for (const call of [
        () => orders.createOrder(newOrder(), { authorization }),
        () => orders.getOrder({ id: 1 }, { authorization }),
        () => orders.listOrders({}, { authorization }),
        () => orders.payOrder({ id: 1, card: GOOD }, { authorization }),
        () => orders.cancelOrder({ id: 1 }, { authorization }),
        () => orders.refundOrder({ id: 1 }, { authorization }),
        () => orders.getTimeline({ id: 1 }, { authorization }),
        () => orders.batchGetTimelines({ ids: [1] }, { authorization }),
      ]) {
        const { code, status } = await grpcRefusal(call());
        assert.deepEqual([code, status], ['UNAUTHENTICATED', 'UNAUTHENTICATED']);
      }
    }
  });
});

describe('a worker of the order service', () => {
  it('answers no calls', async function () {
    this.timeout(60_000);
    const shop = await startOrder('order-grpc-worker', {}, ['worker']);
    try {
      assert.equal(shop.grpcAddress, '');
    } finally {
      await shop.stop();
    }
  });
});
