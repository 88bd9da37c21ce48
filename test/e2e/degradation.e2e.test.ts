import assert from 'node:assert/strict';
import type { orderApi } from '@punctual/contracts';
import { type Answer, type Customer, eventually, expectStatus } from '@punctual/testing';
import {
  admin,
  inbox,
  newCustomers,
  newProduct,
  orderBecomes,
  placedOrder,
  platformAt,
  platformReady,
  settings,
  shop,
  stack,
} from './platform.ts';

/** What is refused is refused without waiting for what is away. */
const QUICKLY_MS = 2_000;
/** A machine with other work may stand still that long once, and not each time. */
const ASKS = 3;
/** A start of a service, its breaker's time, and the pauses of those who wait for it. */
const BACK = { timeoutMs: 60_000, intervalMs: 250 };
/** More failures in a row than any breaker takes. */
const ENOUGH = 8;
const REDIS = ['redis-1', 'redis-2', 'redis-3'];
const NO_PRODUCT = 999_999_999;

type GraphAnswer = {
  data?: Record<string, unknown>;
  errors?: { extensions: { code: string; dependency?: string } }[];
};
type Ready = { status: string; dependencies: Record<string, string> };

describe('with one of its parts away', function () {
  this.timeout(180_000);
  let customer: Customer;
  let productId: number;

  before(async () => {
    await platformAt(1);
    [customer] = (await newCustomers(1)) as [Customer];
    productId = (await newProduct(1_000)).id;
    // So that what is needed of others has been fetched once: keys, the product's copy.
    const order = await place();
    await orderBecomes(customer, order.id, { stock: 'reserved' });
  });
  afterEach(platformReady);

  it('product: orders for known products go on and are reserved afterwards, and what needs it is refused at once', async () => {
    const staff = await admin();
    const body = { name: 'Never made', description: 'Product is away', price: '1.00', quantity: 1 };
    let orderId = 0;
    await without(['product'], async () => {
      const order = await place();
      orderId = order.id;
      assert.equal((await customer.order(order.id)).stock, 'pending');
      await refusedQuickly(() => staff.request('POST', '/products', { body }));
      await refusedQuickly(() => shop.request('GET', `/products/${productId}`));
      await refusedQuickly(() => customer.placeOrder({ items: [{ product_id: NO_PRODUCT, quantity: 1 }] }));
      const items = order.items.map(({ name }) => ({ name, product: null }));
      await graphLacks('product', order.id, { user: { email: customer.email }, payment: null, items });
    });
    await orderBecomes(customer, orderId, { stock: 'reserved' }, BACK);
    await eventually(async () => {
      const answer = await customer.placeOrder({ items: [{ product_id: NO_PRODUCT, quantity: 1 }] });
      assert.ok(answer.status >= 400 && answer.status < 500, `${answer.status}`);
    }, BACK);
    assert.equal((await shop.product(productId)).id, productId);
    await graphIsWhole('product', orderId);
  });

  it('auth: tokens are good on, also those that nobody has seen yet; logins and registrations are refused at once', async () => {
    const fresh = await shop.login(customer.email, 'correct horse battery');
    const credentials = { email: customer.email, password: 'correct horse battery' };
    let orderId = 0;
    await without(['auth'], async () => {
      assert.equal((await fresh.request('GET', '/orders/my-orders')).status, 200);
      const order = await place(fresh);
      orderId = order.id;
      const items = order.items.map(({ name, unit_price: price }) => ({ name, product: { price } }));
      await graphLacks('auth', order.id, { user: null, payment: null, items });
      await refusedQuickly(() => shop.request('POST', '/auth/login', { body: credentials }));
      await refusedQuickly(() => shop.request('POST', '/auth/register', { body: credentials }));
    });
    await eventually(() => shop.login(credentials.email, credentials.password), BACK);
    await graphIsWhole('auth', orderId);
  });

  it('payment: orders go on, paying is refused at once and leaves the order as it was, and works afterwards', async () => {
    let orderId = 0;
    await without(['payment'], async () => {
      const order = await place();
      orderId = order.id;
      await orderBecomes(customer, order.id, { stock: 'reserved' });
      for (let attempt = 0; attempt < ENOUGH; attempt += 1) await refusedQuickly(() => customer.pay(order.id));
      assert.equal((await customer.order(order.id)).status, 'PENDING');
      const items = order.items.map(({ name, unit_price: price }) => ({ name, product: { price } }));
      await graphLacks('payment', order.id, { user: { email: customer.email }, payment: null, items });
    });
    await eventually(async () => expectStatus(await customer.pay(orderId), 200), BACK);
    assert.equal((await customer.order(orderId)).status, 'PAID');
    await graphIsWhole('payment', orderId);
    // Half-open until it has seen as many calls as it wants to.
    assert.notEqual((await readiness(settings.ORDER_URL)).dependencies.payment, 'open');
  });

  it('Redis: orders go on without locks and rate limits are counted locally; both come back to it by themselves', async () => {
    const services = [settings.GATEWAY_DIRECT_URL, settings.ORDER_URL];
    await without(REDIS, async () => {
      for (let orders = 0; orders < ENOUGH; orders += 1) await place();
      const answer = await customer.request('GET', '/orders/my-orders');
      assert.equal(answer.status, 200);
      assert.ok(answer.headers.get('ratelimit'), 'nobody counts');
      for (const url of services) {
        // Shown as half-open between two trials.
        assert.notEqual((await readiness(url)).dependencies.redis, 'closed');
        assert.equal((await readiness(url)).status, 'ready');
        assert.ok((await metric(url, 'circuit_breaker_transitions_total', { dependency: 'redis', to: 'open' })) > 0);
      }
    });
    await eventually(async () => {
      await place();
      for (const url of services) assert.equal((await readiness(url)).dependencies.redis, 'closed');
    }, BACK);
    for (const url of services) assert.equal(await metric(url, 'circuit_breaker_state', { dependency: 'redis' }), 0);
  });

  it('the mail server: mails wait, and each arrives once when it is back', async () => {
    const orders: number[] = [];
    await without(['inbox'], async () => {
      for (let count = 0; count < ENOUGH; count += 1) orders.push((await place()).id);
      await eventually(async () => {
        const { status, dependencies } = await readiness(settings.MAIL_URL);
        assert.deepEqual([status, dependencies.smtp], ['ready', 'open']);
      }, BACK);
    });
    const subjects = orders.map((id) => `Order ${id} is reserved for you`);
    for (const subject of subjects) {
      await inbox.waitForMail(customer.email, (mail) => mail.subject === subject, BACK);
    }
    await eventually(async () => {
      assert.equal((await readiness(settings.MAIL_URL)).dependencies.smtp, 'closed');
    }, BACK);
    const received = (await inbox.mailsTo(customer.email)).map((mail) => mail.subject);
    for (const subject of subjects) assert.equal(received.filter((found) => found === subject).length, 1, subject);
  });

  it("Postgres' replica: decisions go on, and lists are read from the primary within a moment", async () => {
    await without([settings.POSTGRES_REPLICA_PROGRAM], async () => {
      const order = await place();
      assert.equal((await customer.order(order.id)).id, order.id);
      await eventually(async () => {
        const list = expectStatus(await customer.request<{ id: number }[]>('GET', '/orders/my-orders'), 200);
        assert.ok(
          list.some(({ id }) => id === order.id),
          'the primary knows the order',
        );
      }, BACK);
    });
  });

  const wholeOrder = (id: number) =>
    graph(`{ order(id: ${id}) { user { email } payment { status } items { name product { price } } } }`);

  /** Again and again: all but the service's own part is answered, and the error names it, also when its breaker has opened. */
  async function graphLacks(dependency: string, orderId: number, rest: object): Promise<void> {
    for (let asked = 0; asked < ENOUGH; asked += 1) {
      const { data, errors } = await wholeOrder(orderId);
      assert.deepEqual(data?.order, rest);
      const causes = errors?.map(({ extensions }) => [extensions.code, extensions.dependency]);
      assert.deepEqual(causes, [['UNAVAILABLE', dependency]]);
    }
    // Shown as half-open between two trials.
    assert.notEqual((await readiness(settings.GATEWAY_DIRECT_URL)).dependencies[dependency], 'closed');
  }

  async function graphIsWhole(dependency: string, orderId: number): Promise<void> {
    await eventually(async () => {
      assert.equal((await wholeOrder(orderId)).errors, undefined);
      assert.equal((await readiness(settings.GATEWAY_DIRECT_URL)).dependencies[dependency], 'closed');
    }, BACK);
  }

  async function graph(query: string): Promise<GraphAnswer> {
    const response = await fetch(`${settings.GATEWAY_URL}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${customer.token}` },
      body: JSON.stringify({ query }),
    });
    return (await response.json()) as GraphAnswer;
  }

  function place(who = customer): Promise<orderApi.OrderView> {
    return placedOrder(who, [{ product_id: productId, quantity: 1 }]);
  }
});

/** Stops these programs, does the work, and starts them again whatever comes of it. */
async function without(programs: readonly string[], work: () => Promise<void>): Promise<void> {
  try {
    for (const program of programs) await stack('stop', program);
    await work();
  } finally {
    // Together: a node of Redis is ready when its cluster is.
    await Promise.all(programs.map((program) => stack('start', program)));
  }
}

async function refusedQuickly<T>(ask: () => Promise<Answer<T>>): Promise<void> {
  const tookMs: number[] = [];
  while (tookMs.length < ASKS) {
    const startedMs = performance.now();
    const answer = await ask();
    assert.deepEqual([answer.status, answer.body.error?.code], [503, 'UNAVAILABLE'], JSON.stringify(answer.body));
    assert.ok(Number(answer.headers.get('retry-after')) >= 1, 'it does not say when to come back');
    tookMs.push(Math.round(performance.now() - startedMs));
    if (Math.min(...tookMs) < QUICKLY_MS) return;
  }
  assert.fail(`refused after ${tookMs.join(' ms and ')} ms`);
}

async function readiness(url: string): Promise<Ready> {
  const response = await fetch(`${url}/health/ready`);
  const answer = (await response.json()) as { data?: Ready; error?: { details: Ready } };
  const ready = answer.data ?? answer.error?.details;
  assert.ok(ready !== undefined, `${url} answers ${response.status}`);
  return ready;
}

/** The value of a metric of a service, 0 while it has none with these labels. */
async function metric(url: string, name: string, labels: Record<string, string>): Promise<number> {
  const lines = (await (await fetch(`${url}/metrics`)).text()).split('\n');
  const line = lines.find(
    (candidate) =>
      candidate.startsWith(`${name}{`) &&
      Object.entries(labels).every(([label, value]) => candidate.includes(`${label}="${value}"`)),
  );
  return Number(line?.split(' ').at(-1) ?? 0);
}
