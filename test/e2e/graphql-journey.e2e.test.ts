import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { CUSTOMER_PASSWORD, eventually, type GraphqlEvents, openGraphqlEvents } from '@punctual/testing';
import { admin, inbox, mapWithLimit, newProduct, placedOrder, platformAt, settings, shop } from './platform.ts';

const CARD = { number: '4242424242424242', expMonth: 12, expYear: 2040, cvc: '123' };
const ORDERS = 100;
/** Orders that are placed at the same time. */
const AT_A_TIME = 10;
const PATIENT = { timeoutMs: 20_000, intervalMs: 200 };

type Answer<Data> = { data: Data; errors?: { message: string; extensions: { code: string } }[] };
type Tokens = { accessToken: string; refreshToken: string };
type OrderNode = {
  id: string;
  status: string;
  stock: string;
  totalAmount: string;
  user: { email: string } | null;
  items: { productId: string; product: { id: string } | null }[];
  payment: { id: string; status: string; amount: string } | null;
  timeline: { type: string }[] | null;
};

const ORDER = `id status stock totalAmount user { email } items { productId product { id } }
  payment { id status amount } timeline { type }`;

async function ask<Data>(query: string, variables: object = {}, token?: string): Promise<Data> {
  const { data, errors } = await send<Data>(query, variables, token);
  assert.equal(errors, undefined, JSON.stringify(errors));
  return data;
}

async function send<Data>(query: string, variables: object, token?: string): Promise<Answer<Data>> {
  const response = await fetch(`${settings.GATEWAY_URL}/graphql`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({ query, variables }),
  });
  return (await response.json()) as Answer<Data>;
}

describe('the graph over the running platform', function () {
  this.timeout(120_000);
  let following: GraphqlEvents | undefined;
  before(() => platformAt(1));
  afterEach(() => following?.close());

  it('takes a customer from registering to the refund, and tells of it as it happens', async () => {
    const email = `graphql-${randomUUID()}@punctual.test`;
    const credentials = { email, password: CUSTOMER_PASSWORD };
    await ask('mutation ($input: RegisterInput!) { register(input: $input) { id } }', { input: credentials });
    const mail = await inbox.waitForMail(email, undefined, PATIENT);
    const [verificationToken] = /\b\d{6}\b/.exec(mail.text) ?? [];
    await ask('mutation ($input: VerifyInput!) { verify(input: $input) { verified } }', {
      input: { email, verificationToken },
    });
    const { login } = await ask<{ login: Tokens }>(
      'mutation ($input: LoginInput!) { login(input: $input) { accessToken refreshToken } }',
      { input: credentials },
    );
    const token = login.accessToken;
    const { me } = await ask<{ me: { email: string; role: string } }>('{ me { email role } }', {}, token);
    assert.deepEqual(me, { email, role: 'CUSTOMER' });

    const product = await newProduct(5);
    const { products } = await ask<{ products: { nodes: { id: string; price: string }[] } }>(
      'query ($name: String) { products(name: $name) { nodes { id price } } }',
      { name: product.name },
    );
    assert.deepEqual(products.nodes, [{ id: String(product.id), price: product.price }]);

    const input = {
      requestId: randomUUID(),
      shippingAddress: '1 Main Street',
      items: [{ productId: product.id, quantity: 2, unitPrice: product.price }],
    };
    const create = 'mutation ($input: CreateOrderInput!) { createOrder(input: $input) { id status } }';
    const { createOrder } = await ask<{ createOrder: { id: string; status: string } }>(create, { input }, token);
    assert.equal(createOrder.status, 'PENDING');
    const { id } = createOrder;
    assert.deepEqual((await ask<{ createOrder: object }>(create, { input }, token)).createOrder, createOrder);

    following = await openGraphqlEvents(settings.GATEWAY_URL, {
      query: 'subscription ($id: ID!) { orderStatusChanged(id: $id) { status order { payment { status } } } }',
      variables: { id },
      token,
    });
    assert.deepEqual(await following.next(), { status: 'PENDING', order: { payment: null } });

    const one = `query ($id: ID!) { order(id: $id) { ${ORDER} } }`;
    const read = async () => (await ask<{ order: OrderNode }>(one, { id }, token)).order;
    await eventually(async () => assert.equal((await read()).stock, 'RESERVED'), PATIENT);
    const { payOrder } = await ask<{ payOrder: OrderNode }>(
      `mutation ($id: ID!, $card: CardInput) { payOrder(id: $id, card: $card) { ${ORDER} } }`,
      { id, card: CARD },
      token,
    );
    assert.deepEqual([payOrder.status, payOrder.payment?.status], ['PAID', 'SUCCEEDED']);
    assert.deepEqual(await following.next(), { status: 'PAID', order: { payment: { status: 'SUCCEEDED' } } });

    const paid = await read();
    assert.equal(paid.user?.email, email);
    assert.equal(paid.items[0]?.product?.id, String(product.id));
    assert.equal(paid.payment?.amount, paid.totalAmount);

    const stranger = await shop.newCustomer();
    const theirs = await send<{ order: null }>(one, { id }, stranger.token);
    assert.deepEqual([theirs.data.order, theirs.errors?.[0]?.extensions.code], [null, 'NOT_FOUND']);

    const refund = 'mutation ($id: ID!) { refundPayment(id: $id) { status } }';
    const own = await send(refund, { id: paid.payment?.id }, token);
    assert.equal(own.errors?.[0]?.extensions.code, 'FORBIDDEN');
    await ask(refund, { id: paid.payment?.id }, (await admin()).token);
    const refunded = (await following.next()) as { status: string };
    assert.equal(refunded.status, 'REFUNDED');
    assert.equal(await following.next(), undefined, 'the subscription went on after the last state');
    const types = (await read()).timeline?.map(({ type }) => type) ?? [];
    assert.equal(types[0], 'order.created');
    for (const type of ['order.paid', 'order.refunded']) assert.ok(types.includes(type), types.join(', '));

    await ask('mutation ($input: RefreshInput!) { logout(input: $input) }', {
      input: { refreshToken: login.refreshToken },
    });
  });

  it('asks each service once for a hundred orders with all that belongs to them', async () => {
    const customer = await shop.newCustomer();
    const products = await mapWithLimit([1, 2, 3], 1, () => newProduct(ORDERS));
    const items = products.map(({ id }) => ({ product_id: id, quantity: 1 }));
    await mapWithLimit(Array.from({ length: ORDERS }), AT_A_TIME, () => placedOrder(customer, items));
    await eventually(async () => {
      const listed = await customer.request<unknown[]>('GET', '/orders/my-orders');
      assert.equal(listed.body.paging?.total_items, ORDERS);
    }, PATIENT);

    const before = await callsServed();
    const { orders } = await ask<{ orders: { nodes: OrderNode[]; pageInfo: object } }>(
      `{ orders(limit: ${ORDERS}) { nodes { ${ORDER} } pageInfo { total hasMore } } }`,
      {},
      customer.token,
    );
    const after = await callsServed();
    assert.deepEqual(orders.pageInfo, { total: ORDERS, hasMore: false });
    for (const order of orders.nodes) {
      assert.equal(order.user?.email, customer.email);
      assert.deepEqual(
        order.items.map((item) => item.product?.id),
        order.items.map((item) => item.productId),
      );
      assert.equal(order.timeline?.[0]?.type, 'order.created');
    }
    const calls = Object.entries(after).map(([method, count]) => [method, count - (before[method] ?? 0)] as const);
    assert.deepEqual(Object.fromEntries(calls.filter(([, count]) => count > 0)), {
      'OrderService/ListOrders': 1,
      'OrderService/BatchGetTimelines': 1,
      'UserService/BatchGetUsers': 1,
      'ProductService/BatchGetProducts': 1,
      'PaymentService/BatchGetPaymentsOfOrders': 1,
    });
  });
});

/** How many calls each method of the services that belong to the graph has answered. */
async function callsServed(): Promise<Record<string, number>> {
  const { AUTH_URL, PRODUCT_URL, ORDER_URL, PAYMENT_URL } = settings;
  const served: Record<string, number> = {};
  for (const url of [AUTH_URL, PRODUCT_URL, ORDER_URL, PAYMENT_URL]) {
    const text = await (await fetch(`${url}/metrics`)).text();
    for (const [, labels = '', count] of text.matchAll(/^grpc_server_handled_seconds_count\{(.*)\} (\d+)$/gm)) {
      const method = /method="punctual\.v1\.([^"]+)"/.exec(labels)?.[1];
      if (method !== undefined) served[method] = (served[method] ?? 0) + Number(count);
    }
  }
  return served;
}
