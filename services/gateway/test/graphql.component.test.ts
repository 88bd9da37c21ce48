import assert from 'node:assert/strict';
import { SearchEngine } from '@punctual/contracts/grpc/product';
import { AppError } from '@punctual/http';
import { eventually } from '@punctual/testing';
import { metricValue, stopTokens } from './gateway-fixture.ts';
import { codesOf, type GraphqlFixture, startGraph, tokenOf } from './graphql-fixture.ts';
import { infoOf, order, payment, product, user } from './graphql-world.ts';

const ORDERS = 100;
const ORDERS_WITH_ALL = `query Orders($limit: Int) {
  orders(limit: $limit) {
    nodes {
      id status totalAmount
      user { id email }
      items { productId name quantity unitPrice totalPrice product { id name price } }
      payment { id status amount }
      timeline { at type detail }
    }
    pageInfo { total totalIsExact hasMore }
  }
}`;

type OrdersAnswer = {
  orders: {
    nodes: {
      id: string;
      totalAmount: string;
      user: { id: string } | null;
      items: { productId: string; product: { id: string; price: string } | null }[];
      payment: { id: string } | null;
      timeline: { type: string }[] | null;
    }[];
    pageInfo: { total: number; hasMore: boolean };
  };
};

/** A hundred orders of ten users, each for three of two hundred products; every second one is paid. */
const hundredOrders = Array.from({ length: ORDERS }, (_, index) => {
  const id = index + 1;
  const items = [0, 1, 2].map((line) => ({
    id: id * 10 + line,
    productId: ((id * 3 + line) % 200) + 1,
    name: 'As ordered',
    quantity: 1,
    unitPriceMinor: 100,
    totalPriceMinor: 100,
  }));
  return order(id, { userId: (index % 10) + 1, items, totalMinor: 300 });
});

/** Answers in an order of their own, for what is matched by position goes wrong then. */
const shop = {
  listOrders: () => ({ orders: hundredOrders, info: infoOf(250, true) }),
  batchGetUsers: ({ ids }: { ids: number[] }) => ({ users: ids.toReversed().map((id) => user(id)) }),
  batchGetProducts: ({ ids }: { ids: number[] }) => ({ products: ids.toReversed().map((id) => product(id)) }),
  batchGetPaymentsOfOrders: ({ orderIds }: { orderIds: number[] }) => ({
    payments: orderIds.filter((id) => id % 2 === 0).map((id) => payment(id * 100, id)),
  }),
  batchGetTimelines: ({ ids }: { ids: number[] }) => ({
    timelines: ids.toReversed().map((id) => ({
      orderId: id,
      entries: [{ at: new Date(), type: `created.${id}`, actor: 'user:1', detail: { id } }],
    })),
  }),
};

describe('the graph', function () {
  this.timeout(20_000);
  let graph: GraphqlFixture;
  let token: string;

  before(async () => {
    token = await tokenOf(7);
  });
  afterEach(() => graph?.stop());
  after(stopTokens);

  it('asks each service once for a hundred orders with all that belongs to them, and matches answers by id', async () => {
    graph = await startGraph(shop);
    const answer = await graph.ask<OrdersAnswer>(ORDERS_WITH_ALL, { token, variables: { limit: ORDERS } });
    assert.equal(answer.errors, undefined, JSON.stringify(answer.errors?.[0]));
    const { nodes, pageInfo } = answer.data.orders;
    assert.deepEqual(pageInfo, { total: 250, totalIsExact: true, hasMore: true });
    assert.equal(nodes.length, ORDERS);
    for (const node of nodes) {
      const expected = hundredOrders[Number(node.id) - 1];
      assert.equal(node.user?.id, String(expected?.userId));
      for (const item of node.items) assert.equal(item.product?.id, item.productId);
      assert.equal(node.payment?.id, Number(node.id) % 2 === 0 ? String(Number(node.id) * 100) : undefined);
      assert.deepEqual(
        node.timeline?.map(({ type }) => type),
        [`created.${node.id}`],
      );
    }
    assert.deepEqual(graph.calls.map(({ method }) => method).sort(), [
      'batchGetPaymentsOfOrders',
      'batchGetProducts',
      'batchGetTimelines',
      'batchGetUsers',
      'listOrders',
    ]);
    assert.equal(await metricValue(graph.gateway.metrics, 'graphql_operations_total', { outcome: 'ok' }), 1);
  });

  it('passes on the token and the address of the client, as the gateway', async () => {
    graph = await startGraph(shop, { TRUSTED_HOPS: '1' });
    await graph.ask(ORDERS_WITH_ALL, { token, headers: { 'x-forwarded-for': '203.0.113.9', 'x-user-id': '1' } });
    assert.ok(graph.calls.length > 0);
    for (const call of graph.calls) {
      assert.equal(call.authorization, `Bearer ${token}`);
      assert.equal(call.clientAddress, '203.0.113.9');
      assert.equal(call.service, 'gateway');
    }
  });

  it('answers with partial data when a service is away, and errors that name it', async () => {
    graph = await startGraph({ ...shop, listOrders: () => ({ orders: hundredOrders.slice(0, 2), info: infoOf(2) }) });
    await graph.stopService('product');
    const answer = await graph.ask<OrdersAnswer>(ORDERS_WITH_ALL, { token });
    assert.equal(answer.status, 200);
    const [first] = answer.data.orders.nodes;
    assert.equal(first?.user?.id, '1');
    assert.equal(first?.timeline?.length, 1);
    assert.deepEqual(
      first?.items.map((item) => item.product),
      [null, null, null],
    );
    const [error] = answer.errors ?? [];
    assert.equal(answer.errors?.length, 6);
    assert.deepEqual(error?.path, ['orders', 'nodes', 0, 'items', 0, 'product']);
    assert.equal(error?.extensions.code, 'UNAVAILABLE');
    assert.equal(error?.extensions.dependency, 'product');
    assert.equal(error?.extensions.retryable, true);
    assert.ok(error?.extensions.request_id);
    assert.equal(await metricValue(graph.gateway.metrics, 'graphql_operations_total', { outcome: 'partial' }), 1);
  });

  it('says what a service said: code, details and message', async () => {
    graph = await startGraph({
      createOrder() {
        throw new AppError({ code: 'OUT_OF_STOCK', message: 'Too few.', details: { product_id: 4, available: 1 } });
      },
    });
    const answer = await graph.ask(
      `mutation { createOrder(input: {requestId: "a", shippingAddress: "b", items: [{productId: 4, quantity: 2, unitPrice: "19.90"}]}) { id } }`,
      { token },
    );
    assert.deepEqual(answer.data, { createOrder: null });
    assert.equal(answer.status, 200);
    const [error] = answer.errors ?? [];
    assert.equal(error?.message, 'Too few.');
    assert.equal(error?.extensions.code, 'OUT_OF_STOCK');
    assert.deepEqual(error?.extensions.details, { product_id: 4, available: 1 });
    assert.equal('http' in (error?.extensions ?? {}), false);
    assert.deepEqual(graph.calls[0]?.request, {
      requestId: 'a',
      shippingAddress: 'b',
      description: '',
      notes: '',
      items: [{ productId: 4, quantity: 2, unitPriceMinor: 1_990 }],
    });
  });

  it('shows nothing of a fault', async () => {
    graph = await startGraph({
      getProduct() {
        throw new TypeError('the password is hunter2');
      },
      listProducts: () => ({ products: [{ ...product(1), priceMinor: 1.5 }], info: infoOf(1) }),
    });
    const answer = await graph.ask('{ product(id: 1) { id } products { nodes { price } } }');
    assert.doesNotMatch(JSON.stringify(answer), /hunter2|TypeError|minor units/);
    assert.ok(codesOf(answer).includes('INTERNAL'), JSON.stringify(answer.errors));
  });

  it('writes money, ids and times as the HTTP API does', async () => {
    graph = await startGraph({
      getProduct: () => ({ product: product(9_007_199_254_740_991, { priceMinor: 2_500_000 }) }),
    });
    const { data } = await graph.ask('{ product(id: "9007199254740991") { id price createdAt quantity } }');
    assert.deepEqual(data, {
      product: { id: '9007199254740991', price: '25000.00', createdAt: '2026-01-31T09:30:00.000Z', quantity: 5 },
    });
  });

  it('refuses ids and amounts that are none, before any service is asked', async () => {
    graph = await startGraph({});
    for (const id of ['0', '-1', '01', '1.5', 'x', '9007199254740993']) {
      const answer = await graph.ask('query ($id: ID!) { product(id: $id) { id } }', { variables: { id } });
      assert.deepEqual(codesOf(answer), ['VALIDATION_FAILED'], id);
      assert.deepEqual(answer.errors?.[0]?.extensions.details, [
        { field: 'id', message: 'must be a positive integer' },
      ]);
    }
    for (const minPrice of ['-1', '1.005', '1e9', true]) {
      const query = 'query ($minPrice: Money) { products(minPrice: $minPrice) { pageInfo { total } } }';
      const answer = await graph.ask(query, { variables: { minPrice } });
      assert.deepEqual([answer.status, codesOf(answer)], [400, ['VALIDATION_FAILED']], String(minPrice));
    }
    assert.equal(graph.calls.length, 0);
  });

  it('searches, with facets and highlights', async () => {
    graph = await startGraph({
      searchProducts: () => ({
        hits: [{ product: product(1), nameHighlight: '<em>La</em>mp', descriptionHighlight: '' }],
        info: infoOf(1),
        facets: {
          priceRanges: [
            { toMinor: 1_000, count: 1 },
            { fromMinor: 1_000, count: 0 },
          ],
          inStock: 1,
          outOfStock: 0,
        },
        engine: SearchEngine.POSTGRES,
      }),
      suggestProducts: () => ({ suggestions: [{ productId: 1, name: 'Lamp' }], engine: SearchEngine.POSTGRES }),
    });
    const { data, errors } = await graph.ask(`{
      productSearch(q: "lmap", minPrice: 1, inStock: true, sort: PRICE_DESC, limit: 5, offset: 10) {
        engine nodes { nameHighlight product { id } } facets { priceRanges { from to count } inStock outOfStock }
      }
      productSuggestions(q: "la", limit: 3) { productId name }
    }`);
    assert.equal(errors, undefined);
    assert.deepEqual(data, {
      productSearch: {
        engine: 'POSTGRES',
        nodes: [{ nameHighlight: '<em>La</em>mp', product: { id: '1' } }],
        facets: {
          priceRanges: [
            { from: null, to: '10.00', count: 1 },
            { from: '10.00', to: null, count: 0 },
          ],
          inStock: 1,
          outOfStock: 0,
        },
      },
      productSuggestions: [{ productId: '1', name: 'Lamp' }],
    });
    const { request } = graph.calls.find(({ method }) => method === 'searchProducts') ?? {};
    assert.deepEqual(JSON.parse(JSON.stringify(request)), {
      q: 'lmap',
      minPriceMinor: 100,
      inStock: true,
      sort: '-price',
      window: { limit: 5, offset: 10 },
    });
  });

  it('answers queries by GET under both mounts, and no mutation by GET', async () => {
    graph = await startGraph({ getProduct: () => ({ product: product(1) }) });
    for (const path of ['/graphql', '/api/v1/graphql']) {
      const query = encodeURIComponent('{ product(id: 1) { name } }');
      const response = await fetch(`${graph.url}${path}?query=${query}`);
      assert.deepEqual([response.status, await response.json()], [200, { data: { product: { name: 'Product 1' } } }]);
    }
    const mutation = encodeURIComponent('mutation { logout(input: {refreshToken: "a"}) }');
    const refused = await fetch(`${graph.url}/graphql?query=${mutation}`);
    assert.equal(refused.status, 405);
    assert.equal(refused.headers.get('allow'), 'POST');
    assert.equal(graph.count('logout'), 0);
  });

  it('hides a product that is no longer sold, and keeps what was ordered of it', async () => {
    graph = await startGraph({
      getOrder: () => ({ order: order(1) }),
      batchGetProducts: () => ({ products: [product(1, { deleted: true })] }),
    });
    const { data } = await graph.ask('{ order(id: 1) { items { name product { name } } } }', { token });
    assert.deepEqual(data, { order: { items: [{ name: 'As ordered', product: null }] } });
  });

  it('is told of a client that has left, and lets nothing go on for it', async () => {
    const asked = Promise.withResolvers<void>();
    graph = await startGraph({
      getProduct: () => {
        asked.resolve();
        return new Promise(() => undefined);
      },
    });
    const abort = new AbortController();
    const left = fetch(`${graph.url}/graphql?query=${encodeURIComponent('{ product(id: 1) { name } }')}`, {
      signal: abort.signal,
    });
    await asked.promise;
    abort.abort();
    await assert.rejects(left);
    await eventually(async () => {
      assert.equal(await metricValue(graph.gateway.metrics, 'graphql_in_flight', {}), 0);
    });
  });

  it('gives up in time, and says so', async () => {
    graph = await startGraph({ getProduct: () => new Promise(() => undefined) }, { GRAPHQL_TIMEOUT: '200ms' });
    const answer = await graph.ask('{ product(id: 1) { name } }');
    assert.deepEqual([answer.status, codesOf(answer)], [504, ['TIMEOUT']]);
  });
});
