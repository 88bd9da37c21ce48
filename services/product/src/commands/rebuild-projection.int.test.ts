import assert from 'node:assert/strict';
import { createDatabase, type Database, one, rows } from '@punctual/postgres';
import { createMetrics, silentLogger } from '@punctual/telemetry';
import { type TestDatabase, testDatabase } from '@punctual/testing';
import { BrokenStream } from '../domain/product.ts';
import { migrations } from '../store/migrations.ts';
import { adjustStock, type Catalog, changeProduct, createCatalog, createProduct, deleteProduct } from './catalog.ts';
import { type RebuildResult, rebuildProjection } from './rebuild-projection.ts';

const PRODUCTS = 1_200;

describe('rebuilding the projection', () => {
  let database: TestDatabase;
  let db: Database;
  let catalog: Catalog;
  let ids: number[];

  before(async () => {
    database = await testDatabase('product_rebuild', migrations);
    db = createDatabase({
      primaryUrl: database.primaryUrl,
      applicationName: 'product',
      logger: silentLogger(),
      poolMax: 8,
    });
    catalog = createCatalog({ db, metrics: createMetrics('product'), clock: () => new Date(), wake: () => undefined });
    await insertCatalog(PRODUCTS);
    ids = (await rows<{ id: number }>(db.primary, 'SELECT id FROM products ORDER BY id')).map(({ id }) => id);
  });

  after(async () => {
    await db.close();
    await database.drop();
  });

  it('finds no difference where there is none, and leaves no trace of the check', async () => {
    const { lines, result } = await run(true);
    assert.deepEqual(result, { products: PRODUCTS, differences: [], stockProblems: [], swapped: false });
    assert.ok(lines.includes(`rebuilt 500 of ${PRODUCTS} products`));
    assert.equal(await copyExists(), false);
  });

  it('tells a row that someone has tampered with, one that is gone and one that has no events, then repairs them', async () => {
    const [tampered, gone] = [idAt(10), idAt(20)];
    await db.primary.raw(`UPDATE products SET price_minor = 1, name = 'Free' WHERE id = ?`, [tampered]);
    await db.primary.raw('DELETE FROM products WHERE id = ?', [gone]);
    await db.primary.raw(`INSERT INTO products SELECT 999999, name, description, price_minor, currency, stocked, version,
      created_at, updated_at, deleted_at FROM products LIMIT 1`);
    const expected = [
      { productId: tampered, fields: ['name', 'price_minor'] },
      { productId: gone, fields: ['missing'] },
      { productId: 999_999, fields: ['surplus'] },
    ];
    assert.deepEqual((await run(true)).result.differences, expected);
    assert.equal(
      (await one<{ name: string }>(db.primary, 'SELECT name FROM products WHERE id = ?', [tampered]))?.name,
      'Free',
    );
    const { result } = await run(false);
    assert.deepEqual(result.differences, expected);
    assert.deepEqual(result.stockProblems, []);
    assert.deepEqual((await run(true)).result.differences, []);
  });

  it('keeps the names of indexes and constraints over two swaps', async () => {
    const names = () =>
      rows(
        db.primary,
        `SELECT conname AS name, pg_get_constraintdef(oid) AS definition FROM pg_constraint WHERE conrelid = 'products'::regclass
         UNION ALL SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'products' ORDER BY 1, 2`,
      );
    const before = await names();
    await run(false);
    await run(false);
    assert.deepEqual(await names(), before);
    assert.ok(before.length >= 8);
  });

  it('loses no write and stops no reader while products are created, changed, stocked and deleted', async () => {
    let running = true;
    let writes = 0;
    let reads = 0;
    const [changed, adjusted] = [idAt(0), idAt(1)];
    const write = async (): Promise<void> => {
      while (running) {
        writes += 1;
        const { product } = await createProduct(catalog, { ...entry(writes), quantity: 1 }, 'user:1');
        await changeProduct(catalog, { id: changed, changes: { name: `Name ${writes}` }, expected: 'any' }, 'user:1');
        await adjustStock(catalog, { id: adjusted, change: 1, reason: 'delivery' }, 'user:1');
        if (writes % 3 === 0) await deleteProduct(catalog, { id: product.id, expected: 'any' }, 'user:1');
      }
    };
    const read = async (): Promise<void> => {
      while (running) {
        assert.equal((await rows(db.replica, 'SELECT * FROM products WHERE id = ?', [changed])).length, 1);
        reads += 1;
      }
    };
    const others = Promise.all([write(), write(), read()]);
    try {
      for (let round = 0; round < 3; round += 1) {
        const { result } = await run(false);
        assert.deepEqual([result.differences, result.stockProblems, result.swapped], [[], [], true]);
      }
    } finally {
      running = false;
      await others;
    }
    assert.ok(writes > 10 && reads > 10, `${writes} writes and ${reads} reads`);
    const { result } = await run(true);
    assert.deepEqual([result.differences, result.stockProblems], [[], []]);
    assert.equal(result.products, PRODUCTS + writes);
  });

  it('starts anew where a killed run has left its copy', async () => {
    await db.primary.raw('CREATE TABLE products_next (left_over integer)');
    assert.deepEqual((await run(false)).result.differences, []);
    assert.equal(await copyExists(), false);
  });

  it('tells stock that does not add up to what orders hold', async () => {
    const productId = idAt(30);
    await db.primary.raw('UPDATE stock SET available = available - 2, reserved = reserved + 2 WHERE product_id = ?', [
      productId,
    ]);
    const { result } = await run(true);
    assert.deepEqual(result.stockProblems, [
      { productId, stocked: 10, available: 8, reserved: 2, sold: 0, reservedByOrders: 0, soldByOrders: 0 },
    ]);
    await db.primary.raw('UPDATE stock SET available = available + 2, reserved = reserved - 2 WHERE product_id = ?', [
      productId,
    ]);
  });

  it('leaves the live projection alone when a stream is broken, and says whose', async () => {
    const productId = idAt(40);
    await db.primary.raw(
      `INSERT INTO product_events (product_id, version, type, data, actor, at) VALUES (?, 9, 'product.deleted', '{}', 'x', now())`,
      [productId],
    );
    await assert.rejects(
      run(false),
      (error) => error instanceof BrokenStream && error.message.includes(`product ${productId} `),
    );
    assert.equal(await copyExists(), false);
    await db.primary.raw('DELETE FROM product_events WHERE product_id = ? AND version = 9', [productId]);
  });

  async function run(checkOnly: boolean): Promise<{ lines: string[]; result: RebuildResult }> {
    const lines: string[] = [];
    const report = (line: string): void => {
      lines.push(line);
    };
    return { lines, result: await rebuildProjection({ db, logger: silentLogger(), checkOnly, report }) };
  }

  function idAt(index: number): number {
    const id = ids[index];
    assert.ok(id !== undefined);
    return id;
  }

  async function copyExists(): Promise<boolean> {
    const row = await one<{ found: boolean }>(db.primary, `SELECT to_regclass('products_next') IS NOT NULL AS found`);
    return row?.found ?? true;
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

function entry(n: number) {
  return { name: `New ${n}`, description: 'made during a rebuild', price_minor: n, currency: 'USD' };
}
