import assert from 'node:assert/strict';
import { createDatabase, type Database, one, rows } from '@punctual/postgres';
import { createMetrics, silentLogger } from '@punctual/telemetry';
import { type TestDatabase, testDatabase } from '@punctual/testing';
import { ProductRefused, type Refusal } from '../domain/product.ts';
import { migrations } from '../store/migrations.ts';
import { adjustStock, type Catalog, changeProduct, createCatalog, createProduct, deleteProduct } from './catalog.ts';
import { seedCatalog } from './seed-catalog.ts';

const WRITERS = 20;
const lamp = { name: 'Lamp', description: 'Warm', price_minor: 2_500, currency: 'USD', quantity: 10 };

describe('the catalog', () => {
  let database: TestDatabase;
  let db: Database;
  let catalog: Catalog;
  let wakes = 0;

  before(async () => {
    database = await testDatabase('product_catalog', migrations);
    db = createDatabase({
      primaryUrl: database.primaryUrl,
      applicationName: 'product',
      logger: silentLogger(),
      poolMax: 8,
    });
    catalog = createCatalog({
      db,
      metrics: createMetrics('product'),
      clock: () => new Date('2026-03-01T10:00:00.123Z'),
      wake: () => {
        wakes += 1;
      },
    });
  });

  after(async () => {
    await db.close();
    await database.drop();
  });

  it('writes event, projection, stock and outbox row of a creation together', async () => {
    const wakesBefore = wakes;
    const { product } = await createProduct(catalog, lamp, 'user:1');
    const { id } = product;
    const event = await one(
      db.primary,
      'SELECT version, type, data, actor, at FROM product_events WHERE product_id = ?',
      [id],
    );
    assert.deepEqual(event, {
      version: 1,
      type: 'product.created',
      data: lamp,
      actor: 'user:1',
      at: new Date('2026-03-01T10:00:00.123Z'),
    });
    assert.deepEqual(await one(db.primary, 'SELECT * FROM stock WHERE product_id = ?', [id]), {
      product_id: id,
      available: 10,
      reserved: 0,
      sold: 0,
      stock_version: 1,
      level: 10,
    });
    assert.deepEqual(await announced(id), [
      {
        type: 'product.created',
        destination: 'product',
        payload: {
          product_id: id,
          version: 1,
          name: 'Lamp',
          description: 'Warm',
          price_minor: 2_500,
          currency: 'USD',
          available: 10,
          stock_version: 1,
          changed_at: '2026-03-01T10:00:00.123Z',
        },
      },
    ]);
    assert.equal(wakes, wakesBefore + 1);
  });

  it('lets one of twenty writers that know the same version change it, and tells the others the current one', async () => {
    const { product } = await createProduct(catalog, lamp, 'user:1');
    const results = await Promise.allSettled(
      Array.from({ length: WRITERS }, (_, index) =>
        changeProduct(catalog, { id: product.id, changes: { price_minor: index + 1 }, expected: [1] }, `user:${index}`),
      ),
    );
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
    const refusals = results.flatMap((result) => (result.status === 'rejected' ? [refusalOf(result.reason)] : []));
    assert.deepEqual(
      new Set(refusals.map((refusal) => JSON.stringify(refusal))),
      new Set([
        JSON.stringify({
          code: 'VERSION_CONFLICT',
          productId: product.id,
          currentVersion: 2,
        }),
      ]),
    );
    assert.deepEqual(await versions(product.id), [1, 2]);
    assert.deepEqual(
      (await announced(product.id)).map(({ type }) => type),
      ['product.created', 'product.updated'],
    );
  });

  it('adds up the stock of twenty writers at once', async () => {
    const { product } = await createProduct(catalog, lamp, 'user:1');
    await Promise.all(
      Array.from({ length: WRITERS }, () =>
        adjustStock(catalog, { id: product.id, change: 2, reason: 'delivery' }, 'user:1'),
      ),
    );
    const found = await one(
      db.primary,
      'SELECT p.stocked, p.version, s.available, s.stock_version FROM products p JOIN stock s ON s.product_id = p.id WHERE p.id = ?',
      [product.id],
    );
    assert.deepEqual(found, { stocked: 50, version: 21, available: 50, stock_version: 21 });
    const levels = (await announced(product.id)).map(({ payload }) => payload.available);
    assert.deepEqual(
      levels,
      Array.from({ length: WRITERS + 1 }, (_, index) => 10 + 2 * index),
    );
  });

  it('takes away no more than is available, and writes nothing of a refusal', async () => {
    const { product } = await createProduct(catalog, lamp, 'user:1');
    await db.primary.raw('UPDATE stock SET available = 4, reserved = 6 WHERE product_id = ?', [product.id]);
    await assert.rejects(adjustStock(catalog, { id: product.id, change: -5, reason: 'lost' }, 'user:1'), (error) => {
      assert.deepEqual(refusalOf(error), { code: 'OUT_OF_STOCK', productId: product.id, available: 4, change: -5 });
      return true;
    });
    await assert.rejects(
      adjustStock(catalog, { id: product.id, change: -11, reason: 'lost' }, 'user:1'),
      ProductRefused,
    );
    assert.deepEqual(await versions(product.id), [1]);
    assert.equal((await announced(product.id)).length, 1);
  });

  it('announces a deletion once and then knows the product no more', async () => {
    const { product } = await createProduct(catalog, lamp, 'user:1');
    await deleteProduct(catalog, { id: product.id, expected: [1] }, 'user:1');
    assert.deepEqual((await announced(product.id)).at(-1)?.payload, {
      product_id: product.id,
      version: 2,
      deleted_at: '2026-03-01T10:00:00.123Z',
    });
    for (const again of [
      () => deleteProduct(catalog, { id: product.id, expected: 'any' }, 'user:1'),
      () => adjustStock(catalog, { id: product.id, change: 1, reason: 'found' }, 'user:1'),
    ]) {
      await assert.rejects(again, (error) => refusalOf(error).code === 'NOT_FOUND');
    }
  });

  it('seeds a dozen products once', async () => {
    assert.equal(await seedCatalog(catalog), 12);
    assert.equal(await seedCatalog(catalog), 0);
    const found = await rows(db.primary, `SELECT 1 FROM product_events WHERE actor = 'seed'`);
    assert.equal(found.length, 12);
  });

  type Announcement = { type: string; destination: string; payload: Record<string, unknown> };

  async function announced(id: number): Promise<Announcement[]> {
    return await rows<Announcement>(
      db.primary,
      'SELECT type, destination, payload FROM outbox WHERE routing_key = ? ORDER BY id',
      [String(id)],
    );
  }

  async function versions(id: number): Promise<number[]> {
    const found = await rows<{ version: number }>(
      db.primary,
      'SELECT version FROM product_events WHERE product_id = ? ORDER BY version',
      [id],
    );
    return found.map(({ version }) => version);
  }
});

function refusalOf(error: unknown): Refusal {
  if (error instanceof ProductRefused) return error.refusal;
  throw error;
}
