import assert from 'node:assert/strict';
import { connectEtcd, createSettingsDesk } from '@punctual/coordination';
import { createMetrics, silentLogger } from '@punctual/telemetry';
import {
  eventually,
  type TcpProxy,
  type TestSearchIndex,
  tcpProxy,
  testEtcd,
  testSearchIndex,
} from '@punctual/testing';
import { type ProductService, startProductService } from './product-service.ts';
import { CATALOG, fillCatalog, search, searchesAlike, suggest } from './search-cases.ts';

const INDEXED_WITHIN_MS = 20_000;

describe('searching with OpenSearch', function () {
  this.timeout(90_000);
  let service: ProductService;
  let openSearch: TestSearchIndex;
  let way: TcpProxy;
  const etcd = testEtcd('search');

  before(async () => {
    openSearch = testSearchIndex('search');
    way = await tcpProxy(openSearch.url);
    const { prefix } = openSearch;
    service = await startProductService('search', { url: way.url, prefix, breakerTimeoutMs: 300, etcd });
    await fillCatalog(service);
    await indexed(async () => assert.equal((await search(service, {})).total, CATALOG.length));
  });
  after(async () => {
    way.heal();
    await service.stop();
    await way.stop();
    await openSearch.drop();
  });

  /** Waits until OpenSearch itself answers so. */
  async function indexed(check: () => Promise<void>): Promise<void> {
    await eventually(
      async () => {
        assert.equal((await search(service, {})).engine, 'opensearch');
        await check();
      },
      { timeoutMs: INDEXED_WITHIN_MS },
    );
  }

  searchesAlike(() => service, 'opensearch');

  it('follows a product through its changes, its stock, and its deletion', async () => {
    const mug = { name: 'Blue Mug', description: 'holds tea', price: '5.00', quantity: 2 };
    const { id } = (await service.call('POST', '/products', { body: mug })).body.data;
    await indexed(async () => assert.deepEqual((await search(service, { q: 'mug' })).names, ['Blue Mug']));
    await service.call('PATCH', `/products/${id}`, { body: { name: 'Green Mug' }, headers: { 'if-match': '*' } });
    await indexed(async () => assert.deepEqual((await search(service, { q: 'mug' })).names, ['Green Mug']));

    const at = new Date().toISOString();
    await service.publish({
      type: 'order.created',
      data: {
        order_id: 1,
        user_id: 2,
        items: [{ product_id: id, quantity: 2, unit_price_minor: 500 }],
        total_minor: 1_000,
        currency: 'USD',
        created_at: at,
        expires_at: at,
      },
    });
    await indexed(async () => {
      assert.deepEqual(
        (await search(service, { q: 'mug', in_stock: 'false' })).data.map((one) => one.quantity),
        [0],
      );
    });
    await service.call('DELETE', `/products/${id}`, { headers: { 'if-match': '*' } });
    await indexed(async () => assert.deepEqual((await search(service, { q: 'mug' })).names, []));
    assert.deepEqual((await suggest(service, 'green')).names, []);
  });

  it('has Postgres answer while OpenSearch is away, takes orders, and catches up by itself', async () => {
    way.cut();
    const away = await search(service, { q: 'zebra' });
    assert.deepEqual([away.engine, away.names], ['postgres', ['Zebra Rug']]);
    const kite = { name: 'Red Kite', description: 'flies', price: '12.00', quantity: 2 };
    assert.equal((await service.call('POST', '/products', { body: kite })).status, 201);
    await eventually(async () => assert.deepEqual((await search(service, { q: 'kite' })).names, ['Red Kite']));
    for (let n = 0; n < 10; n += 1) assert.equal((await search(service, {})).engine, 'postgres');
    assert.equal((await service.call('GET', '/health/ready')).status, 200);
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    assert.match(metrics, /circuit_breaker_state\{dependency="opensearch",service="product"\} [12]/);

    way.heal();
    await indexed(async () => assert.deepEqual((await search(service, { q: 'kite' })).names, ['Red Kite']));
  });

  it('has Postgres answer while somebody has turned OpenSearch off, which needs no restart', async () => {
    const connection = connectEtcd({
      endpoints: etcd.endpoints,
      logger: silentLogger(),
      metrics: createMetrics('test'),
    });
    try {
      const desk = createSettingsDesk(connection, etcd.prefix);
      await desk.set('flags.search_opensearch', false, { who: 'test' });
      await eventually(async () => assert.equal((await search(service, {})).engine, 'postgres'));
      await desk.unset('flags.search_opensearch', { who: 'test' });
      await indexed(async () => undefined);
    } finally {
      connection.close();
    }
  });

  it('has Postgres answer in time while OpenSearch says nothing', async () => {
    way.stall();
    const startedAtMs = performance.now();
    assert.equal((await search(service, { q: 'zebra' })).engine, 'postgres');
    assert.ok(performance.now() - startedAtMs < 8_000, 'the answer took too long');
    way.heal();
    await indexed(async () => undefined);
  });

  it('has Postgres answer, at once, what is more than OpenSearch works on', async () => {
    const turnedAway = async () => await callsOf('too_many_calls');
    const before = await turnedAway();
    way.stall();
    const answers = await Promise.all(Array.from({ length: 7 }, () => search(service, { q: 'zebra' })));
    way.heal();
    assert.deepEqual(
      answers.map(({ engine }) => engine),
      answers.map(() => 'postgres'),
    );
    assert.equal((await turnedAway()) - before, 3);
    await indexed(async () => undefined);
  });

  it('looks at ten words at most, so that many words with many that resemble them are not too much', async () => {
    // Each two letters from any other at most.
    const letters = [...'abcdefghijklmnopqrstuvwxyz'];
    const words = letters.flatMap((first) => letters.map((second) => `kett${first}${second}`));
    for (let start = 0; start < 4; start += 1) {
      const some = words.slice(start * 28, (start + 1) * 28).join(' ');
      const body = { name: some, description: some, price: '1.00', quantity: 1 };
      assert.equal((await service.call('POST', '/products', { body })).status, 201);
    }
    await indexed(async () => assert.equal((await search(service, { max_price: '1' })).total, 4));
    const q = words.slice(0, 28).join(' ');
    const { engine, names } = await search(service, { q });
    assert.deepEqual([engine, names[0]], ['opensearch', q]);
  });

  /** How many searches had this outcome, by the service's own count. */
  async function callsOf(outcome: string): Promise<number> {
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    const count = new RegExp(`^dependency_call_seconds_count\\{[^}]*outcome="${outcome}"[^}]*\\} (\\d+)`, 'm').exec(
      metrics,
    );
    return Number(count?.[1] ?? 0);
  }
});
