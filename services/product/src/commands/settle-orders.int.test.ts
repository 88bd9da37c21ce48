import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createDatabase, type Database, one, rows } from '@punctual/postgres';
import { createMetrics, type Metrics, silentLogger } from '@punctual/telemetry';
import { type TestDatabase, testDatabase } from '@punctual/testing';
import type { OrderFact } from '../domain/stock.ts';
import { migrations } from '../store/migrations.ts';
import { findStockProblems } from '../store/rebuild-store.ts';
import { type Catalog, createCatalog, createProduct, deleteProduct } from './catalog.ts';
import { createOrderSettler, type OrderMessage, type SettleOrders } from './settle-orders.ts';

const ORDERS = 500;
const PIECES = 100;
const CONSUMERS = 5;

describe('settling orders in the database', () => {
  let database: TestDatabase;
  let db: Database;
  let catalog: Catalog;
  let settle: SettleOrders;
  let metrics: Metrics;
  let lastOrderId = 0;

  before(async () => {
    database = await testDatabase('product_settle', migrations);
    db = createDatabase({
      primaryUrl: database.primaryUrl,
      applicationName: 'product',
      logger: silentLogger(),
      poolMax: 8,
    });
    metrics = createMetrics('product');
    const deps = { db, metrics, clock: () => new Date(), wake: () => undefined };
    catalog = createCatalog(deps);
    settle = createOrderSettler(deps);
  });

  after(async () => {
    await db.close();
    await database.drop();
  });

  afterEach('no stock is out of balance', async () => {
    assert.deepEqual(await findStockProblems(db.primary), []);
  });

  it('reserves exactly the last hundred pieces for five hundred orders, each delivered three times', async () => {
    const productId = await stocked(PIECES);
    const orders = Array.from({ length: ORDERS }, () => created(nextOrderId(), [productId, 1]));
    const partitions = Array.from({ length: CONSUMERS }, (_, index) =>
      orders.filter((_, at) => at % CONSUMERS === index),
    );
    await Promise.all(
      partitions.map(async (partition) => {
        for (let at = 0; at < partition.length; at += 20) {
          const batch = partition.slice(at, at + 20);
          await Promise.all([settle(batch), settle(batch)]);
          await settle(batch);
        }
      }),
    );
    assert.deepEqual(await stockOf(productId), { available: 0, reserved: PIECES, sold: 0 });
    const told = await rows<{ type: string; count: number }>(
      db.primary,
      `SELECT type, count(*) AS count FROM outbox WHERE transport = 'kafka' AND destination = 'stock' GROUP BY type ORDER BY type`,
    );
    assert.deepEqual(told, [
      { type: 'stock.rejected', count: ORDERS - PIECES },
      { type: 'stock.reserved', count: PIECES },
    ]);
    assert.match(
      await metrics.registry.metrics(),
      /stock_reservations_total\{outcome="reserved",service="product"\} 100/,
    );
  });

  it('locks the products of crossing orders without a deadlock', async () => {
    const a = await stocked(1_000);
    const b = await stocked(1_000);
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        settle([created(nextOrderId(), index % 2 === 0 ? [a, 1] : [b, 1], index % 2 === 0 ? [b, 1] : [a, 1])]),
      ),
    );
    assert.deepEqual(await stockOf(a), { available: 980, reserved: 20, sold: 0 });
    assert.deepEqual(await stockOf(b), { available: 980, reserved: 20, sold: 0 });
    // The command is tried again after a deadlock, so that only the database can tell that there was none.
    const statistics = 'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()';
    assert.deepEqual(await one(db.primary, statistics), { deadlocks: 0 });
  });

  it('counts up the stock version with each change and tells the level of each moment', async () => {
    const productId = await stocked(3);
    const first = nextOrderId();
    await settle([
      created(first, [productId, 1]),
      created(nextOrderId(), [productId, 2]),
      message({ type: 'order.cancelled', orderId: first }),
    ]);
    assert.deepEqual(await levelsOf(productId), [
      { type: 'stock.reserved', level: { product_id: productId, available: 2, stock_version: 2 } },
      { type: 'stock.reserved', level: { product_id: productId, available: 0, stock_version: 3 } },
      { type: 'stock.released', level: { product_id: productId, available: 1, stock_version: 4 } },
    ]);
  });

  it('gives back what a cancelled order held, once', async () => {
    const productId = await stocked(5);
    const orderId = nextOrderId();
    await settle([created(orderId, [productId, 4])]);
    const cancelled = message({ type: 'order.cancelled', orderId });
    await settle([cancelled]);
    await settle([cancelled]);
    await settle([message({ type: 'order.cancelled', orderId })]);
    assert.deepEqual(await stockOf(productId), { available: 5, reserved: 0, sold: 0 });
  });

  it('sells what a completed order held, and takes it back on a refund', async () => {
    const productId = await stocked(5);
    const orderId = nextOrderId();
    await settle([created(orderId, [productId, 4]), message({ type: 'order.completed', orderId })]);
    assert.deepEqual(await stockOf(productId), { available: 1, reserved: 0, sold: 4 });
    await settle([message({ type: 'order.refunded', orderId })]);
    assert.deepEqual(await stockOf(productId), { available: 5, reserved: 0, sold: 0 });
  });

  it('takes nothing for an order whose cancellation came first', async () => {
    const productId = await stocked(5);
    const orderId = nextOrderId();
    await settle([message({ type: 'order.cancelled', orderId })]);
    await settle([created(orderId, [productId, 1])]);
    assert.deepEqual(await stockOf(productId), { available: 5, reserved: 0, sold: 0 });
    assert.deepEqual(await levelsOf(productId), []);
  });

  it('rejects an order for a deleted product and still gives back what an older one held', async () => {
    const productId = await stocked(5);
    const older = nextOrderId();
    await settle([created(older, [productId, 2])]);
    await deleteProduct(catalog, { id: productId, expected: 'any' }, 'user:1');
    const late = nextOrderId();
    await settle([created(late, [productId, 1]), message({ type: 'order.cancelled', orderId: older })]);
    assert.deepEqual(await stockOf(productId), { available: 5, reserved: 0, sold: 0 });
    const rejected = await one<{ missing: unknown }>(
      db.primary,
      `SELECT payload -> 'missing' AS missing FROM outbox WHERE type = 'stock.rejected' AND routing_key = ?`,
      [String(late)],
    );
    assert.deepEqual(rejected?.missing, [{ product_id: productId, requested: 1, available: 0 }]);
  });

  it('passes on the trace of the order that is the cause', async () => {
    const productId = await stocked(1);
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const orderId = nextOrderId();
    await settle([{ ...created(orderId, [productId, 1]), traceparent }]);
    const row = await one<{ traceparent: string }>(
      db.primary,
      'SELECT traceparent FROM outbox WHERE routing_key = ? AND destination = ?',
      [String(orderId), 'stock'],
    );
    assert.equal(row?.traceparent, traceparent);
  });

  function nextOrderId(): number {
    lastOrderId += 1;
    return 1_000_000 + lastOrderId;
  }

  async function stocked(quantity: number): Promise<number> {
    const entry = { name: 'Mug', description: '', price_minor: 100, currency: 'USD', quantity };
    return (await createProduct(catalog, entry, 'user:1')).product.id;
  }

  async function stockOf(productId: number): Promise<unknown> {
    return await one(db.primary, 'SELECT available, reserved, sold FROM stock WHERE product_id = ?', [productId]);
  }

  async function levelsOf(productId: number): Promise<unknown[]> {
    return await rows(
      db.primary,
      `SELECT type, level FROM outbox, json_array_elements(payload -> 'levels') AS level
       WHERE destination = 'stock' AND CAST(level ->> 'product_id' AS bigint) = ? ORDER BY id`,
      [productId],
    );
  }
});

function created(orderId: number, ...lines: [productId: number, quantity: number][]): OrderMessage {
  return message({
    type: 'order.created',
    orderId,
    lines: lines.map(([productId, quantity]) => ({ productId, quantity })),
  });
}

function message(fact: OrderFact): OrderMessage {
  return {
    id: randomUUID(),
    type: fact.type,
    source: '/order',
    subject: String(fact.orderId),
    time: new Date().toISOString(),
    data: {},
    attempt: 1,
    fact,
  };
}
