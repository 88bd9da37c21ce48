import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { authApi, orderApi, paymentApi, productApi, type Route, userApi } from '@punctual/contracts';
import { type Customer, expectStatus } from '@punctual/testing';
import { newCustomers, newProduct, orderBecomes, platformAt, settings, shop } from '../platform.ts';
import { NOBODY, query, refusal } from './attacker.ts';

const CARD = { type: 'card', number: '4242424242424242', exp_month: 12, exp_year: 2090, cvc: '123' } as const;
const ALL_ROUTES: readonly Route[] = [
  ...authApi.authRoutes,
  ...userApi.userRoutes,
  ...productApi.productRoutes,
  ...orderApi.orderRoutes,
  ...paymentApi.paymentRoutes,
];
/** A stack's ports lie within a block of this size, which begins at its public port. */
const PORTS_OF_A_STACK = 100;

describe('what belongs to others', function () {
  this.timeout(60_000);
  let owner: Customer;
  let stranger: Customer;
  let ownerId: number;
  let productId: number;
  let waiting: orderApi.OrderView;
  let paid: orderApi.PaidOrderView;

  before(async () => {
    await platformAt(1);
    const [first, second] = await newCustomers(2);
    assert.ok(first && second);
    [owner, stranger] = [first, second];
    ownerId = expectStatus(await owner.request<userApi.UserView>('GET', '/users/me'), 200).id;
    productId = (await newProduct(10)).id;
    const items = [{ product_id: productId, quantity: 1 }];
    const placed = [
      expectStatus(await owner.placeOrder({ items }), 201),
      expectStatus(await owner.placeOrder({ items }), 201),
    ];
    const [one, two] = await Promise.all(placed.map(({ id }) => orderBecomes(owner, id, { stock: 'reserved' })));
    assert.ok(one && two);
    waiting = one;
    paid = expectStatus(await owner.pay(two.id), 200);
    await orderBecomes(owner, paid.id, { status: 'PAID' });
  });

  /** All that a stranger could have touched, as its owner sees it. */
  async function belongings(): Promise<unknown> {
    const seen = [`/orders/${waiting.id}`, `/orders/${paid.id}`, `/payments/${paid.payment.id}`, '/users/me'];
    const answers = await Promise.all(seen.map((path) => owner.request<object>('GET', path)));
    const payments = await query('payment', 'SELECT count(*)::int AS payments FROM payments WHERE order_id = $1', [
      waiting.id,
    ]);
    return [answers.map((answer) => expectStatus(answer, 200)), payments];
  }

  it("S1: somebody else's order, payment, timeline and profile are not found, like those of nobody, and stay as they are", async () => {
    const before = await belongings();
    type Attempt = { method: string; path(id: number): string; body?(id: number): object; id: number };
    const order = waiting.id;
    const payment = paid.payment.id;
    const attempts: Attempt[] = [
      { method: 'GET', path: (id) => `/orders/${id}`, id: order },
      { method: 'GET', path: (id) => `/orders/${id}/timeline`, id: order },
      { method: 'POST', path: (id) => `/orders/${id}/pay`, body: () => ({ method: CARD }), id: order },
      { method: 'POST', path: () => '/orders/pay', body: (id) => ({ order_id: id, method: CARD }), id: order },
      { method: 'POST', path: (id) => `/orders/${id}/cancel`, id: order },
      { method: 'POST', path: () => '/orders/cancel', body: (id) => ({ order_id: id }), id: order },
      { method: 'POST', path: () => '/payments', body: (id) => ({ order_id: id, method: CARD }), id: order },
      { method: 'GET', path: (id) => `/payments/${id}`, id: payment },
      { method: 'GET', path: (id) => `/payments/order/${id}`, id: paid.id },
      { method: 'POST', path: (id) => `/payments/${id}/process`, id: payment },
      { method: 'GET', path: (id) => `/users/${id}`, id: ownerId },
      { method: 'PUT', path: (id) => `/users/${id}`, body: () => ({ first_name: 'Eve' }), id: ownerId },
      { method: 'DELETE', path: (id) => `/users/${id}`, id: ownerId },
    ];
    for (const { method, path, body, id } of attempts) {
      const [theirs, nobodys] = await Promise.all(
        [id, NOBODY].map(async (target) => {
          const answer = await stranger.request(method, path(target), { body: body?.(target) });
          assert.deepEqual(refusal(answer), [404, 'NOT_FOUND'], `${method} ${path(target)}`);
          return answer.body.error?.message.replaceAll(String(target), 'ID');
        }),
      );
      assert.equal(theirs, nobodys, `${method} ${path(id)} tells that there is one`);
    }
    assert.deepEqual(await belongings(), before);
  });

  it("S1: a customer's lists hold nothing of others", async () => {
    for (const path of ['/orders', '/orders/my-orders', '/payments/my-payments']) {
      assert.deepEqual(expectStatus(await stranger.request('GET', path), 200), [], path);
    }
  });

  it('S2: a body that states what only the shop decides is refused, names it, and has no effect', async () => {
    const items = [{ product_id: productId, quantity: 1 }];
    const order = { request_id: randomUUID(), shipping_address: '1 Main Street', items };
    const customer = { email: 'mass-assignment@example.com', password: 'correct horse battery' };
    const attempts: [string, string, object, string][] = [
      ['POST', '/orders', { ...order, status: 'PAID' }, 'status'],
      ['POST', '/orders', { ...order, total_amount: '0.01' }, 'total_amount'],
      ['POST', '/orders', { ...order, user_id: ownerId }, 'user_id'],
      ['POST', '/orders', { ...order, items: [{ product_id: productId, quantity: 1, price: '0.01' }] }, 'price'],
      ['POST', `/orders/${waiting.id}/pay`, { method: CARD, amount: '0.01' }, 'amount'],
      ['POST', '/payments', { order_id: waiting.id, method: CARD, amount: '0.01' }, 'amount'],
      ['POST', '/payments', { order_id: waiting.id, method: CARD, status: 'succeeded' }, 'status'],
      ['PUT', '/users/me', { first_name: 'Eve', role: 'admin' }, 'role'],
      ['PUT', '/users/me', { first_name: 'Eve', user_id: ownerId }, 'user_id'],
      ['POST', '/auth/register', { ...customer, role: 'admin' }, 'role'],
      ['POST', '/auth/register', { ...customer, verified: true }, 'verified'],
    ];
    for (const [method, path, body, field] of attempts) {
      const answer = await stranger.request(method, path, { body });
      assert.deepEqual(refusal(answer), [400, 'VALIDATION_FAILED'], `${method} ${path} with ${field}`);
      const details = JSON.stringify(answer.body.error?.details);
      assert.ok(details.includes(field), `${method} ${path} does not name ${field}: ${details}`);
    }
    const me = expectStatus(await stranger.request<userApi.UserView>('GET', '/users/me'), 200);
    assert.deepEqual([me.role, me.first_name], ['customer', null]);
    assert.deepEqual(await query('order', 'SELECT id FROM orders WHERE user_id = $1', [me.id]), []);
    assert.deepEqual(await query('payment', 'SELECT id FROM payments WHERE order_id = $1', [waiting.id]), []);
    assert.deepEqual(await query('auth', 'SELECT id FROM users WHERE email = $1', [customer.email]), []);
  });

  it('S2: a price that the client states only serves to refuse another one', async () => {
    const body = {
      request_id: randomUUID(),
      shipping_address: '1 Main Street',
      items: [{ product_id: productId, quantity: 1, unit_price: '0.01' }],
    };
    assert.deepEqual(refusal(await stranger.request('POST', '/orders', { body })), [409, 'PRICE_CHANGED']);
  });

  it('S20: quantities that are none, too many items and a product twice are refused, and nothing is placed', async () => {
    const item = { product_id: productId, quantity: 1 };
    const quantities = [-1, 0, 1.5, 2 ** 31, '1', null, true, [1]].map((quantity) => [{ ...item, quantity }]);
    const many = Array.from({ length: 10_000 }, (_, index) => ({ product_id: index + 1, quantity: 1 }));
    const bodies = [...quantities, many, [item, item]].map((items) =>
      JSON.stringify({ request_id: randomUUID(), shipping_address: '1 Main Street', items }),
    );
    const infinite = bodies[0]?.replace('"quantity":-1', '"quantity":1e309') ?? '';
    assert.ok(infinite.includes('1e309'));
    for (const body of [...bodies, infinite]) {
      const answer = await fetch(`${settings.GATEWAY_URL}/orders`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${stranger.token}` },
        body,
      });
      const text = await answer.text();
      assert.deepEqual([answer.status, /"field":"items/.test(text)], [400, true], `${body.slice(0, 150)}: ${text}`);
    }
    const me = expectStatus(await stranger.request<userApi.UserView>('GET', '/users/me'), 200);
    assert.deepEqual(await query('order', 'SELECT id FROM orders WHERE user_id = $1', [me.id]), []);
  });

  it('S3: every route for admins refuses a customer with 403 and nobody with 401, whatever it is asked, without effect', async () => {
    const adminRoutes = ALL_ROUTES.filter(({ access }) => access === 'admin');
    assert.ok(adminRoutes.length >= 7, 'the contracts have lost their routes for admins');
    const before = await belongings();
    const ids: Record<string, number> = { products: productId, orders: paid.id, payments: paid.payment.id };
    for (const { method, path, aliases = [] } of adminRoutes) {
      for (const template of [path, ...aliases]) {
        const target = template.replace(/:\w+/g, String(ids[template.split('/')[1] ?? ''] ?? ownerId));
        const body = method === 'get' || method === 'delete' ? undefined : { status: 'delivered', quantity: 1 };
        const options = { body, headers: { 'x-role': 'admin', 'x-user-role': 'admin' } };
        const verb = method.toUpperCase();
        assert.deepEqual(refusal(await owner.request(verb, target, options)), [403, 'FORBIDDEN'], `${verb} ${target}`);
        assert.equal((await shop.request(verb, target, options)).status, 401, `${verb} ${target} without a token`);
      }
    }
    const own = await owner.request('PUT', `/users/${ownerId}`, { body: { active: true } });
    assert.deepEqual(refusal(own), [403, 'FORBIDDEN']);
    assert.equal((await shop.product(productId)).id, productId);
    assert.deepEqual(await belongings(), before);
  });

  it('S3: nothing of the stack listens beyond this machine', () => {
    const first = Number(new URL(settings.GATEWAY_URL).port);
    const listening = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) =>
      readFileSync(table, 'utf8')
        .trim()
        .split('\n')
        .slice(1)
        .map((line) => line.trim().split(/\s+/))
        .filter(([, , , state]) => state === '0A')
        .map(([, local = '']) => ({
          address: local.split(':')[0] ?? '',
          port: Number.parseInt(local.split(':')[1] ?? '', 16),
        })),
    );
    const ours = listening.filter(({ port }) => port >= first && port < first + PORTS_OF_A_STACK);
    assert.ok(ours.length >= 15, 'the ports of the stack were not found');
    // 127.0.0.1, ::1 and ::ffff:127.0.0.1 as the kernel writes them.
    const loopback = /^(?:0100007F|0{24}01000000|0{16}FFFF00000100007F)$/;
    assert.deepEqual(
      ours.filter(({ address }) => !loopback.test(address)),
      [],
    );
  });
});
