import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { EventData } from '@punctual/contracts';
import { one, rows } from '@punctual/postgres';
import { eventually } from '@punctual/testing';
import { type ProductService, startProductService } from './product-service.ts';

const BUYERS = 500;
const PIECES = 100;
const SETTLED_WITHIN_MS = 20_000;

describe('stock over Kafka', function () {
  this.timeout(60_000);
  let service: ProductService;
  let lastOrderId = 0;

  before(async () => {
    service = await startProductService('product_stock');
  });
  after(async () => {
    await service.stop();
  });

  async function stocked(quantity: number): Promise<number> {
    const { body } = await service.call('POST', '/products', { body: { name: 'Mug', price: 5, quantity } });
    return body.data.id;
  }

  function order(
    productId: number,
    quantity: number,
  ): { type: 'order.created'; id: string; data: EventData<'order.created'> } {
    lastOrderId += 1;
    return {
      type: 'order.created',
      id: randomUUID(),
      data: {
        order_id: lastOrderId,
        user_id: 2,
        items: [{ product_id: productId, quantity, unit_price_minor: 500 }],
        total_minor: 500 * quantity,
        currency: 'USD',
        created_at: new Date().toISOString(),
        expires_at: new Date().toISOString(),
      },
    };
  }

  const outcomesOf = (orderId: number): string[] =>
    service.received
      .filter(({ type, subject }) => type.startsWith('stock.') && subject === String(orderId))
      .map(({ type }) => type);

  it('reserves an order, and gives the pieces back when it is cancelled', async () => {
    const productId = await stocked(5);
    const placed = order(productId, 2);
    const orderId = placed.data.order_id;
    await service.publish(placed);
    await eventually(() => assert.deepEqual(outcomesOf(orderId), ['stock.reserved']), { timeoutMs: SETTLED_WITHIN_MS });
    const reserved = service.received.find(({ type }) => type === 'stock.reserved');
    assert.deepEqual(reserved?.data.levels, [{ product_id: productId, available: 3, stock_version: 2 }]);
    assert.equal((await service.call('GET', `/products/${productId}`)).body.data.quantity, 3);

    const cancelled = {
      order_id: orderId,
      user_id: 2,
      reason: 'CUSTOMER_CANCELLED' as const,
      cancelled_at: new Date().toISOString(),
    };
    await service.publish({ type: 'order.cancelled', data: cancelled });
    await eventually(() => assert.deepEqual(outcomesOf(orderId), ['stock.reserved', 'stock.released']));
    assert.equal((await service.call('GET', `/products/${productId}`)).body.data.quantity, 5);
  });

  it('sells the last hundred pieces to exactly a hundred of five hundred buyers, though every order comes three times', async () => {
    const productId = await stocked(PIECES);
    const orders = Array.from({ length: BUYERS }, () => order(productId, 1));
    await service.publish(...orders);
    await service.publish(...orders);
    await service.publish(...orders);
    const ids = new Set(orders.map(({ data }) => String(data.order_id)));
    const settled = () => service.received.filter(({ type, subject }) => type.startsWith('stock.') && ids.has(subject));
    await eventually(() => assert.equal(settled().length >= BUYERS, true, `${settled().length} settled`), {
      timeoutMs: SETTLED_WITHIN_MS,
    });
    // Orders behind all copies, on every partition: when they are settled, so are the copies.
    const ends = Array.from({ length: 50 }, () => order(productId, 1));
    await service.publish(...ends);
    await eventually(() => assert.ok(ends.every(({ data }) => outcomesOf(data.order_id).length === 1)), {
      timeoutMs: SETTLED_WITHIN_MS,
    });
    const types = settled().map(({ type }) => type);
    assert.equal(types.length, BUYERS);
    assert.equal(types.filter((type) => type === 'stock.reserved').length, PIECES);
    assert.deepEqual(
      await one(service.db.primary, 'SELECT available, reserved, sold FROM stock WHERE product_id = ?', [productId]),
      {
        available: 0,
        reserved: PIECES,
        sold: 0,
      },
    );
    const metrics = await (await fetch(`${service.url}/metrics`)).text();
    assert.match(metrics, /stock_reservations_total\{outcome="reserved",service="product"\} 101/);
    assert.match(metrics, /reserve_batch_size_count/);
  });

  it('keeps a message that cannot be an order as a dead letter, and goes on', async () => {
    const productId = await stocked(1);
    const good = order(productId, 1);
    const bad = order(productId, 1);
    await service.publish({ ...bad, data: { ...bad.data, items: [] } }, good);
    await eventually(() => assert.deepEqual(outcomesOf(good.data.order_id), ['stock.reserved']));
    await eventually(async () => {
      const letters = await rows(service.db.primary, `SELECT 1 FROM dead_letters WHERE event_id = ?`, [bad.id]);
      assert.equal(letters.length, 1);
    });
    assert.deepEqual(outcomesOf(bad.data.order_id), []);
  });
});
