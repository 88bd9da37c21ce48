import assert from 'node:assert/strict';
import { ProductServiceDefinition } from '@punctual/contracts/grpc/product';
import { createStaticResolver } from '@punctual/coordination';
import { createGrpcClient, type GrpcClient, judgeCall } from '@punctual/grpc';
import { AppError } from '@punctual/http';
import { createPolicies } from '@punctual/resilience';
import { createMetrics, silentLogger } from '@punctual/telemetry';
import { eventually, TEST_SERVICE_KEY } from '@punctual/testing';
import { insertProducts, type ProductService, startProductService, whileLocked } from './product-service.ts';

const FOREIGN_KEY = 'a-key-of-somebody-else-0123456789abc';

describe('the catalog over gRPC', function () {
  this.timeout(60_000);
  let service: ProductService;
  let client: GrpcClient<typeof ProductServiceDefinition>;
  let stranger: GrpcClient<typeof ProductServiceDefinition>;

  const connect = (serviceKey: string) => {
    const [logger, metrics] = [silentLogger(), createMetrics('order')];
    const breaker = {
      CIRCUIT_BREAKER_MAX_REQUESTS: 3,
      CIRCUIT_BREAKER_INTERVAL: 60_000,
      CIRCUIT_BREAKER_TIMEOUT: 30_000,
    };
    const policy = createPolicies(breaker, { logger, metrics }).create('product', {
      timeoutMs: 10_000,
      concurrency: 10,
      judge: judgeCall,
    });
    return createGrpcClient({
      definition: ProductServiceDefinition,
      service: 'product',
      from: 'order',
      resolver: createStaticResolver({ product: [{ http: '127.0.0.1:1', grpc: service.grpcAddress }] }),
      policy,
      serviceKey,
      timeoutMs: 10_000,
      logger,
      metrics,
    });
  };

  before(async () => {
    service = await startProductService('product_grpc');
    client = connect(TEST_SERVICE_KEY);
    stranger = connect(FOREIGN_KEY);
  });
  after(async () => {
    client.close();
    stranger.close();
    await service.stop();
  });

  const create = async (body: object = {}): Promise<number> => {
    const lamp = { name: 'Reading Lamp', description: 'Warm light', price: '54.50', quantity: 7 };
    const answer = await service.call('POST', '/products', { body: { ...lamp, ...body } });
    assert.equal(answer.status, 201, JSON.stringify(answer.body));
    return answer.body.data.id;
  };
  const refusal = async (call: Promise<unknown>) => {
    const error = await call.then(
      () => assert.fail('no error'),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof AppError, String(error));
    return { code: error.code, details: error.details };
  };

  it('shows a product to anyone, as HTTP does', async () => {
    const id = await create();
    const { product } = await stranger.calls.getProduct({ id });
    const { data } = (await service.call('GET', `/products/${id}`)).body;
    assert.deepEqual(product, {
      id,
      name: 'Reading Lamp',
      description: 'Warm light',
      priceMinor: 5_450,
      currency: 'USD',
      quantity: 7,
      version: 1,
      stockVersion: 1,
      deleted: false,
      createdAt: new Date(data.created_at),
      updatedAt: new Date(data.updated_at),
    });
  });

  it('refuses ids that are none, and those of no product', async () => {
    assert.deepEqual(await refusal(client.calls.getProduct({ id: 999_999 })), {
      code: 'NOT_FOUND',
      details: { resource: 'product', id: 999_999 },
    });
    for (const id of [0, -5]) {
      assert.equal((await refusal(client.calls.getProduct({ id }))).code, 'VALIDATION_FAILED');
    }
  });

  it('gives services many products at once, deleted ones too, and nobody else', async () => {
    const [kept, removed] = [await create({ quantity: 3 }), await create()];
    await service.call('POST', `/products/${kept}/stock`, { body: { change: 2, reason: 'more' } });
    await service.call('DELETE', `/products/${removed}`, { headers: { 'if-match': '*' } });
    const { products } = await client.calls.batchGetProducts({ ids: [removed, kept, kept, 999_999] });
    assert.deepEqual(
      products.map(({ id, quantity, stockVersion, deleted }) => ({ id, quantity, stockVersion, deleted })),
      [
        { id: kept, quantity: 5, stockVersion: 2, deleted: false },
        { id: removed, quantity: 7, stockVersion: 1, deleted: true },
      ],
    );
    assert.equal((await refusal(stranger.calls.batchGetProducts({ ids: [kept] }))).code, 'UNAUTHENTICATED');
    assert.deepEqual((await client.calls.batchGetProducts({ ids: [] })).products, []);
    const tooMany = Array.from({ length: 1_001 }, (_, index) => index + 1);
    assert.equal((await refusal(client.calls.batchGetProducts({ ids: tooMany }))).code, 'VALIDATION_FAILED');
  });

  it('lists windows of what matches, with the total that HTTP shows', async () => {
    for (const [index, price] of ['3.00', '1.00', '2.00'].entries()) {
      await create({ name: `Grommet ${index}`, price, quantity: index });
    }
    const list = (request: Parameters<typeof client.calls.listProducts>[0]) =>
      client.calls.listProducts({ q: 'grommet', sort: '-price', ...request });
    // Lists are read from the replica.
    await eventually(async () => assert.equal((await list({})).products.length, 3));
    const { products, info } = await list({ window: { limit: 1, offset: 1 } });
    assert.deepEqual(
      products.map(({ priceMinor }) => priceMinor),
      [200],
    );
    assert.deepEqual(info, { total: 3, totalIsExact: true, hasMore: true });
    assert.equal((await list({ window: { limit: 1, offset: 2 } })).info?.hasMore, false);
    const within = await list({ minPriceMinor: 150, maxPriceMinor: 250 });
    assert.deepEqual(
      within.products.map(({ name }) => name),
      ['Grommet 2'],
    );
    assert.equal((await list({ inStock: false })).products.length, 1);
  });

  it('searches and suggests, and says what has answered', async () => {
    const id = await create({ name: 'Soldering Iron', description: 'melts <tin>', price: '39.00', quantity: 2 });
    const { hits, info, facets, engine } = await eventually(async () => {
      const found = await client.calls.searchProducts({ q: 'soldring melts', inStock: true });
      assert.equal(found.hits.length, 1);
      return found;
    });
    assert.equal(engine, 'SEARCH_ENGINE_POSTGRES');
    assert.deepEqual(hits[0]?.product?.id, id);
    assert.equal(hits[0]?.nameHighlight, '<em>Soldering</em> Iron');
    assert.equal(hits[0]?.descriptionHighlight, '<em>melts</em> &lt;tin&gt;');
    assert.deepEqual(info, { total: 1, totalIsExact: true, hasMore: false });
    assert.deepEqual([facets?.inStock, facets?.outOfStock], [1, 0]);
    assert.deepEqual(
      facets?.priceRanges.filter(({ count }) => count > 0),
      [{ fromMinor: 1_000, toMinor: 5_000, count: 1 }],
    );
    const { suggestions } = await client.calls.suggestProducts({ q: 'sold' });
    assert.deepEqual(suggestions, [{ productId: id, name: 'Soldering Iron' }]);
    for (const limit of [0, 21]) {
      assert.equal((await refusal(client.calls.suggestProducts({ q: 'sold', limit }))).code, 'VALIDATION_FAILED');
    }
    const tooDeep = { q: 'sold', window: { limit: 100, offset: 9_901 } };
    assert.equal((await refusal(client.calls.searchProducts(tooDeep))).code, 'VALIDATION_FAILED');
  });

  it('refuses filters that HTTP would refuse', async () => {
    for (const request of [
      { sort: 'colour' },
      { q: 'x'.repeat(201) },
      { minPriceMinor: -1 },
      { maxPriceMinor: 10_000_000_000 },
      { minPriceMinor: 2, maxPriceMinor: 1 },
      { window: { limit: 101 } },
    ]) {
      const { code } = await refusal(client.calls.listProducts(request));
      assert.equal(code, 'VALIDATION_FAILED', JSON.stringify(request));
    }
  });

  it('says of a search that takes too long that it cannot be had at the moment', async () => {
    await whileLocked(service, async () => {
      const { code, details } = await refusal(client.calls.searchProducts({ q: 'lamp' }));
      assert.deepEqual({ code, details }, { code: 'UNAVAILABLE', details: { dependency: 'search' } });
    });
  });

  it('leads to no window beyond the results that can be paged through, as HTTP does', async () => {
    await insertProducts(service, 10_001);
    const last = { limit: 100, offset: 9_900 };
    await eventually(async () => {
      const { info } = await client.calls.searchProducts({ window: last });
      assert.deepEqual(info, { total: 10_001, totalIsExact: false, hasMore: false });
    });
    const before = await client.calls.searchProducts({ window: { ...last, offset: 9_800 } });
    assert.equal(before.info?.hasMore, true);
    const { paging } = (await service.call('GET', '/products/search?limit=100&page=100')).body;
    assert.deepEqual([paging.total_items, paging.total_pages, paging.links.next], [10_001, 100, null]);
    assert.equal((await fetch(service.url + paging.links.last)).status, 200);
  });
});
