import assert from 'node:assert/strict';
import {
  authApi,
  buildOpenApi,
  events,
  mailJobs,
  orderApi,
  parseEvent,
  paymentApi,
  productApi,
  type Route,
  userApi,
} from './index.ts';

const routes: Route[] = [
  ...authApi.authRoutes,
  ...userApi.userRoutes,
  ...productApi.productRoutes,
  ...orderApi.orderRoutes,
  ...paymentApi.paymentRoutes,
];
const order = { shipping_address: '1 Main Street', items: [{ product_id: 1, quantity: 1 }] };

/** The paths of the fields that a body is refused for. */
function refusals(body: unknown): string[] {
  const result = orderApi.placeOrderBody.safeParse(body);
  return result.success ? [] : result.error.issues.map((issue) => issue.path.join('.'));
}

describe('the routes', () => {
  it('have one id and one place each', () => {
    const places = routes.flatMap((route) =>
      [route.path, ...(route.aliases ?? [])].map((path) => `${route.method} ${path}`),
    );
    assert.equal(new Set(places).size, places.length);
    assert.equal(new Set(routes.map((route) => route.id)).size, routes.length);
  });

  it('become one OpenAPI operation each, aliases included, and the same document every time', () => {
    const about = { title: 'Shop', version: '1', description: '', servers: ['/'], tags: {} };
    const build = () => buildOpenApi({ ...about, routes, isBehindGateway: false });
    const document = build();
    const operations = Object.values(document.paths).flatMap((path) => Object.keys(path));
    assert.equal(
      operations.length,
      routes.reduce((sum, route) => sum + 1 + (route.aliases?.length ?? 0), 0),
    );
    assert.deepEqual(build(), document);
  });

  it('refuse what they do not know in every body', () => {
    for (const route of routes) {
      const result = route.body?.safeParse({ surely_unknown: 1 });
      assert.notEqual(result?.success, true, route.id);
      if (result)
        assert.ok(
          result.error?.issues.some(({ code }) => code === 'unrecognized_keys'),
          route.id,
        );
    }
  });
});

describe('an order as a client sends it', () => {
  it('needs an address and items, and nothing else', () => assert.deepEqual(refusals(order), []));

  for (const quantity of [-1, 0, 1.5, 2 ** 31, Number.POSITIVE_INFINITY, '1', null, Number.NaN]) {
    it(`is refused with a quantity of ${JSON.stringify(quantity)} (${quantity})`, () =>
      assert.deepEqual(refusals({ ...order, items: [{ product_id: 1, quantity }] }), ['items.0.quantity']));
  }

  it('is refused when it names a product twice, at the second place', () =>
    assert.deepEqual(refusals({ ...order, items: [...order.items, ...order.items] }), ['items.1.product_id']));

  it('is refused with no item, and with too many', () => {
    assert.deepEqual(refusals({ ...order, items: [] }), ['items']);
    const items = Array.from({ length: 51 }, (_, index) => ({ product_id: index + 1, quantity: 1 }));
    assert.deepEqual(refusals({ ...order, items }), ['items']);
  });

  for (const field of ['status', 'user_id', 'total_amount', 'price', 'role']) {
    it(`is refused when it carries ${field}`, () => assert.equal(refusals({ ...order, [field]: 1 }).length, 1));
  }
});

describe('events', () => {
  it('survive a newer producer: fields that are not known are dropped', () => {
    const data = { order_id: 1, user_id: 2, completed_at: '2026-01-31T09:30:00.000Z' };
    assert.deepEqual(parseEvent('order.completed', { ...data, added_later: true }), data);
  });

  it('are refused when a field that is needed is missing or of another type', () => {
    for (const data of [null, 'x', {}, { order_id: '1', user_id: 2, completed_at: '2026-01-31T09:30:00.000Z' }]) {
      assert.throws(() => parseEvent('order.completed', data));
    }
  });

  it('are keyed by a field that their data has', () => {
    for (const [type, { key, data }] of Object.entries(events)) assert.ok(Object.hasOwn(data.shape, key), type);
  });
});

describe('mail jobs', () => {
  it('name one recipient', () => {
    const job = { intent: 'verification:1', not_after: null, code: '123456', expires_at: '2026-01-31T09:30:00.000Z' };
    const schema = mailJobs['mail.verification'];
    assert.equal(schema.safeParse({ ...job, to: 'a@example.com' }).success, true);
    assert.equal(schema.safeParse({ ...job, to: 'a@example.com, b@example.com' }).success, false);
    assert.equal(schema.safeParse({ ...job, to: 'a@example.com\r\nBcc: b@example.com' }).success, false);
  });
});
