import assert from 'node:assert/strict';
import { RetryLater } from '@punctual/messaging';
import { createDatabase, type Database, rows } from '@punctual/postgres';
import { createMetrics, silentLogger } from '@punctual/telemetry';
import {
  eventually,
  type TcpProxy,
  type TestDatabase,
  type TestSearchIndex,
  tcpProxy,
  testDatabase,
  testSearchIndex,
} from '@punctual/testing';
import { type CatalogIndex, createCatalogIndex } from '../search/catalog-index.ts';
import { createCatalogSearcher } from '../search/catalog-searcher.ts';
import { type Connection, connectOpenSearch, SearchUnavailable } from '../search/connection.ts';
import { toDocument } from '../search/document.ts';
import { migrations } from '../store/migrations.ts';
import { loadSearchRows } from '../store/search-rows.ts';
import { adjustStock, type Catalog, changeProduct, createCatalog, createProduct, deleteProduct } from './catalog.ts';
import { createProductIndexer, type IndexProducts } from './index-products.ts';
import { checkIndex, type ReindexOptions, ReindexRunning, reindexCatalog } from './reindex-catalog.ts';

/** More than one window of the comparison. */
const PRODUCTS = 2_100;

describe('the search index', function () {
  this.timeout(300_000);
  let database: TestDatabase;
  let db: Database;
  let space: TestSearchIndex;
  let way: TcpProxy;
  let connection: Connection;
  let index: CatalogIndex;
  let catalog: Catalog;
  let indexProducts: IndexProducts;
  let ids: number[];
  const clock = () => new Date();

  before(async () => {
    database = await testDatabase('reindex', migrations);
    db = createDatabase({
      primaryUrl: database.primaryUrl,
      applicationName: 'product',
      logger: silentLogger(),
      poolMax: 8,
    });
    space = testSearchIndex('reindex');
    way = await tcpProxy(space.url);
    connection = connectOpenSearch(way.url);
    index = createCatalogIndex({ connection, prefix: space.prefix, shape: { shards: 1, replicas: 0 } });
    catalog = createCatalog({ db, metrics: createMetrics('product'), clock, wake: () => undefined });
    indexProducts = createProductIndexer({ db, index, metrics: createMetrics('product'), clock });
    await insertCatalog(PRODUCTS);
    ids = (await rows<{ id: number }>(db.primary, 'SELECT id FROM products ORDER BY id')).map(({ id }) => id);
  });
  after(async () => {
    way.heal();
    await connection.close();
    await way.stop();
    await space.drop();
    await db.close();
    await database.drop();
  });

  it('is waited for while there is none, and made from all there is', async () => {
    await assert.rejects(indexProducts([changed(idAt(0))]), RetryLater);
    assert.equal(await checkIndex(options()), undefined);
    const lines: string[] = [];
    const result = await reindexCatalog({ ...options(), report: (line) => lines.push(line) });
    assert.deepEqual(result.products, { postgres: PRODUCTS, index: PRODUCTS });
    assert.equal(result.checksums.postgres, result.checksums.index);
    assert.ok(lines.includes(`indexed ${PRODUCTS} of ${PRODUCTS} products`));
    assert.deepEqual(await index.indices(), [result.indexName]);
  });

  it('is not moved by what comes twice, late, or out of order', async () => {
    const id = idAt(1);
    const before = await document(id);
    const stale = (await loadSearchRows(db.primary, [id])).map(toDocument);
    await changeProduct(catalog, { id, changes: { name: 'Second Name' }, expected: 'any' }, 'user:1');
    await indexProducts([changed(id), changed(id)]);
    await indexProducts([changed(id)]);
    assert.deepEqual(await index.write(stale), { indexed: 0, outdated: 1 });
    const after = await document(id);
    assert.equal(after.name, 'Second Name');
    assert.equal(after.version, Number(before.version) + 1);

    const held = (await loadSearchRows(db.primary, [id])).map(toDocument);
    await deleteProduct(catalog, { id, expected: 'any' }, 'user:1');
    await indexProducts([changed(id)]);
    await index.write(held);
    assert.equal((await document(id)).deleted, true);
  });

  it('tells what is not as Postgres has it, and changes nothing then', async () => {
    const [behind, gone] = [idAt(2), idAt(3)];
    await adjustStock(catalog, { id: behind, change: 3, reason: 'delivery' }, 'user:1');
    await deleteProduct(catalog, { id: gone, expected: 'any' }, 'user:1');
    const found = await checkIndex(options());
    assert.deepEqual(found?.different, [behind, gone]);
    assert.notEqual(found?.checksums.postgres, found?.checksums.index);
    await indexProducts([changed(behind), changed(gone)]);
    const repaired = await checkIndex(options());
    assert.deepEqual([repaired?.different, repaired?.checksums.index], [[], repaired?.checksums.postgres]);
  });

  it('is not as Postgres has it where it is ahead, as after a restore', async () => {
    const id = idAt(4);
    const [row] = (await loadSearchRows(db.primary, [id])).map(toDocument);
    assert.ok(row);
    await index.write([{ ...row, version: row.version + 5 }]);
    assert.deepEqual((await checkIndex(options()))?.different, [id]);
    await reindexCatalog(options());
    assert.deepEqual((await checkIndex(options()))?.different, []);
  });

  it('is not as Postgres has it where a document has the version and something else in it', async () => {
    const id = idAt(6);
    const [row] = (await loadSearchRows(db.primary, [id])).map(toDocument);
    assert.ok(row);
    const wrong = { ...row.document, price_minor: row.document.price_minor + 1 };
    await space.request('PUT', `/${index.alias}/_doc/${id}?version=${row.version}&version_type=external_gte`, wrong);
    const found = await checkIndex(options());
    assert.deepEqual(found?.different, [id]);
    assert.notEqual(found?.checksums.postgres, found?.checksums.index);
    await reindexCatalog(options());
    assert.deepEqual((await checkIndex(options()))?.different, []);
  });

  it('is built anew while products change, without a failed or empty search, and ends as Postgres is', async () => {
    let running = true;
    let writes = 0;
    const searches = { answered: 0, empty: 0 };
    const searcher = createCatalogSearcher(connection, { alias: index.alias, timeoutMs: 20_000 });
    const write = async (): Promise<void> => {
      for (let n = 10; running; n += 1) {
        const id = idAt(n % PRODUCTS);
        const { product } = await createProduct(catalog, { ...entry(`New ${n}`), quantity: 1 }, 'user:1');
        await changeProduct(catalog, { id, changes: { name: `Product changed ${n}` }, expected: 'any' }, 'user:1');
        if (n % 3 === 0) await deleteProduct(catalog, { id: product.id, expected: 'any' }, 'user:1');
        // As the worker does, from the event; a hot product besides.
        await adjustStock(catalog, { id: idAt(5), change: 1, reason: 'delivery' }, 'user:1');
        await indexProducts([changed(id), changed(product.id), changed(idAt(5))]);
        writes += 1;
      }
    };
    const look = async (): Promise<void> => {
      while (running) {
        const { total } = await searcher.search({
          text: 'prodcut',
          sort: { field: 'relevance', descending: false },
          limit: 5,
          offset: 0,
        });
        if (total === 0) searches.empty += 1;
        searches.answered += 1;
      }
    };
    const others = Promise.all([write(), look()]);
    const names = new Set<string>();
    try {
      for (let round = 0; round < 3; round += 1) {
        const result = await reindexCatalog(options());
        names.add(result.indexName);
        assert.deepEqual(result.different, []);
        assert.equal(result.checksums.postgres, result.checksums.index);
      }
    } finally {
      running = false;
      await others;
    }
    assert.equal(names.size, 3);
    assert.deepEqual(await index.indices(), [await index.live()]);
    assert.ok(writes > 5 && searches.answered > 5, `${writes} writes, ${searches.answered} searches`);
    assert.equal(searches.empty, 0);
    const end = await checkIndex(options());
    assert.deepEqual([end?.different, end?.moved], [[], 0]);
    assert.equal(end?.checksums.postgres, end?.checksums.index);
    assert.equal(end?.products.postgres, end?.products.index);
  });

  it('outlives a run that was killed midway, whose leavings the next run removes', async () => {
    const live = await index.live();
    const started = Promise.withResolvers<void>();
    const end = new AbortController();
    const run = reindexCatalog({ ...options(), signal: end.signal, report: () => started.resolve() });
    await started.promise;
    await assert.rejects(reindexCatalog({ ...options(), leaseTries: 1 }), ReindexRunning);
    // As after a kill: it can neither go on nor tidy up.
    way.cut();
    end.abort();
    await assert.rejects(run);
    way.heal();
    assert.equal(await index.live(), live);
    const left = (await index.indices()).filter((name) => name !== live);
    assert.equal(left.length, 1);
    await indexProducts([changed(idAt(8))]);
    const result = await reindexCatalog(options());
    assert.deepEqual(await index.indices(), [result.indexName]);
    assert.equal(result.checksums.postgres, result.checksums.index);
  });

  it('is not replaced by a run that was told to end, which tidies up', async () => {
    const before = await index.indices();
    const end = new AbortController();
    await assert.rejects(reindexCatalog({ ...options(), signal: end.signal, report: () => end.abort() }));
    assert.deepEqual(await index.indices(), before);
  });

  it('keeps the index whose swap was carried out and not answered, whether it can be asked or not', async () => {
    for (const isAway of [false, true]) {
      const answerLost = {
        ...index,
        async swap(name: string) {
          await index.swap(name);
          if (isAway) way.cut();
          throw new SearchUnavailable('the answer was lost');
        },
      };
      const before = await index.live();
      await assert.rejects(reindexCatalog({ ...options(), index: answerLost }), SearchUnavailable);
      way.heal();
      assert.notEqual(await index.live(), before);
      assert.deepEqual((await checkIndex(options()))?.different, []);
    }
  });

  it('leaves alone what only begins as its own', async () => {
    const others = [
      `${index.alias}-archive`,
      `${index.alias}-20260101`,
      `${index.alias}-x-${index.alias}-20260101000000000`,
    ];
    for (const name of others) await space.request('PUT', `/${name}`);
    const { indexName } = await reindexCatalog(options());
    assert.deepEqual(await index.indices(), [indexName]);
    const there = (await space.request('GET', `/${index.alias}-*`)) as Record<string, unknown>;
    assert.deepEqual(Object.keys(there).sort(), [...others, indexName].sort());
  });

  function options(): ReindexOptions {
    return { db, index, clock, logger: silentLogger(), report: () => undefined };
  }

  async function document(id: number): Promise<Record<string, unknown>> {
    const found = await eventually(async () => {
      const answer = (await space.request('GET', `/${index.alias}/_doc/${id}`)) as {
        _source?: Record<string, unknown>;
      };
      assert.ok(answer._source);
      return answer._source;
    });
    return found;
  }

  function changed(id: number) {
    return { productIds: [id], at: clock() };
  }

  function idAt(position: number): number {
    const id = ids[position];
    assert.ok(id !== undefined);
    return id;
  }

  function entry(name: string) {
    return { name, description: 'made during a reindex', price_minor: 100, currency: 'USD' };
  }

  /** Many products at once, as their creation leaves them. */
  async function insertCatalog(count: number): Promise<void> {
    await db.primary.raw(
      `WITH created AS (
         INSERT INTO product_events (product_id, version, type, data, actor, at)
         SELECT nextval('product_ids'), 1, 'product.created', jsonb_build_object('name', 'Product ' || n, 'description', '',
           'price_minor', n, 'currency', 'USD', 'quantity', 10), 'seed', date_trunc('milliseconds', now())
         FROM generate_series(1, CAST(? AS integer)) n RETURNING *),
       projected AS (
         INSERT INTO products SELECT product_id, data ->> 'name', '', CAST(data ->> 'price_minor' AS bigint), 'USD', 10, 1, at, at, NULL
         FROM created RETURNING id)
       INSERT INTO stock SELECT id, 10, 0, 0, 1 FROM projected`,
      [count],
    );
  }
});
