import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { RetryLater } from '@punctual/messaging';
import { createDatabase, type Database } from '@punctual/postgres';
import { createMetrics, silentLogger } from '@punctual/telemetry';
import { type TestDatabase, type TestSearchIndex, testDatabase, testSearchIndex } from '@punctual/testing';
import { createCatalogIndex, DocumentRefused } from '../search/catalog-index.ts';
import { type Connection, connectOpenSearch } from '../search/connection.ts';
import { migrations } from '../store/migrations.ts';
import { createCatalog, createProduct } from './catalog.ts';
import { createProductIndexer, type IndexProducts } from './index-products.ts';

describe('a change that cannot be brought into the search index', function () {
  this.timeout(60_000);
  let database: TestDatabase;
  let db: Database;
  let space: TestSearchIndex;
  let connection: Connection;
  let indexProducts: IndexProducts;
  let alias: string;
  let id: number;
  const clock = () => new Date();

  before(async () => {
    database = await testDatabase('index_products', migrations);
    db = createDatabase({ primaryUrl: database.primaryUrl, applicationName: 'product', logger: silentLogger() });
    space = testSearchIndex('index_products');
    connection = connectOpenSearch(space.url);
    const index = createCatalogIndex({ connection, prefix: space.prefix, shape: { shards: 1, replicas: 0 } });
    alias = index.alias;
    const name = index.nameAt(clock());
    await index.create(name);
    await index.swap(name);
    indexProducts = createProductIndexer({ db, index, metrics: createMetrics('product'), clock });
    const catalog = createCatalog({ db, metrics: createMetrics('product'), clock, wake: () => undefined });
    const lamp = { name: 'Lamp', description: '', price_minor: 100, currency: 'USD', quantity: 1 };
    id = (await createProduct(catalog, lamp, 'user:1')).product.id;
  });
  after(async () => {
    await connection.close();
    await space.drop();
    await db.close();
    await database.drop();
  });

  const change = () => [{ productIds: [id], at: clock() }];

  it('waits while the index may not be written to, or is closed', async () => {
    await space.request('PUT', `/${alias}/_settings`, { 'index.blocks.write': true });
    await assert.rejects(indexProducts(change()), RetryLater);
    await space.request('PUT', `/${alias}/_settings`, { 'index.blocks.write': null });
    await space.request('POST', `/${alias}/_close`);
    await assert.rejects(indexProducts(change()), RetryLater);
    await space.request('POST', `/${alias}/_open?wait_for_active_shards=1`);
    await indexProducts(change());
  });

  it('waits while the request is refused, whatever the reason', async () => {
    const gate = await refuse();
    const refused = connectOpenSearch(gate.url);
    const index = createCatalogIndex({
      connection: refused,
      prefix: space.prefix,
      shape: { shards: 1, replicas: 0 },
    });
    const indexer = createProductIndexer({ db, index, metrics: createMetrics('product'), clock });
    try {
      for (const status of [400, 401, 403, 404, 408, 413, 429, 503]) {
        gate.status = status;
        await assert.rejects(indexer(change()), RetryLater, String(status));
      }
    } finally {
      await refused.close();
      gate.server.close();
    }
  });

  it('is given up when it is the document that does not fit', async () => {
    for (const [name, properties] of [
      ['narrow', { id: { type: 'long' } }],
      ['other', { id: { type: 'long' }, name: { type: 'date' } }],
    ] as const) {
      const prefix = `${space.prefix}${name}-`;
      await space.request('PUT', `/${prefix}products-1`, {
        mappings: { dynamic: name === 'narrow' ? 'strict' : 'false', properties },
        aliases: { [`${prefix}products`]: {} },
      });
      const index = createCatalogIndex({ connection, prefix, shape: { shards: 1, replicas: 0 } });
      const indexer = createProductIndexer({ db, index, metrics: createMetrics('product'), clock });
      await assert.rejects(indexer(change()), DocumentRefused, name);
    }
  });

  /** Stands where OpenSearch is expected, and refuses everything. */
  async function refuse(): Promise<{ url: string; server: Server; status: number }> {
    const gate = {
      url: '',
      status: 403,
      server: createServer((_req, res) => {
        res.writeHead(gate.status, { 'content-type': 'application/json' });
        res.end(JSON.stringify({ error: { type: 'refused', reason: 'no' }, status: gate.status }));
      }),
    };
    await new Promise<void>((resolve) => gate.server.listen(0, '127.0.0.1', resolve));
    gate.url = `http://127.0.0.1:${(gate.server.address() as AddressInfo).port}`;
    return gate;
  }
});
