import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { eventually } from '@punctual/testing';
import { type RunningOrder, startOrder } from './running-order.ts';

const LAMP = { id: 1, name: 'Lamp', priceMinor: 2_500, quantity: 1_000_000 };

describe('what an order asks the product service', function () {
  this.timeout(60_000);
  let shop: RunningOrder;
  let lastId = 100;

  before(async () => {
    shop = await startOrder('order-catalog', { CIRCUIT_BREAKER_TIMEOUT: '2s' });
    shop.productService.products.set(LAMP.id, LAMP);
  });
  after(() => shop.stop());
  beforeEach(() => {
    shop.productService.comeBack();
    shop.productService.asked.length = 0;
  });

  /** A product that the order service has not heard of. */
  const unheardOf = (of: { quantity?: number; priceMinor?: number } = {}) => {
    lastId += 1;
    const product = { id: lastId, name: `Product ${lastId}`, priceMinor: 1_000, quantity: 10, ...of };
    shop.productService.products.set(product.id, product);
    return product;
  };
  const timesAsked = (id: number) => shop.productService.asked.filter((ids) => ids.includes(id)).length;

  it('is one call for all products that it has not heard of', async () => {
    const ann = await shop.customer();
    const products = [unheardOf(), unheardOf(), unheardOf()];
    const placed = await ann.place(products.map(({ id }) => ({ product_id: id, quantity: 1 })));
    assert.equal(placed.status, 201);
    assert.deepEqual(
      shop.productService.asked.map((ids) => [...ids].sort()),
      [products.map(({ id }) => id)],
    );
    const again = await ann.place(products.map(({ id }) => ({ product_id: id, quantity: 1 })));
    assert.equal(again.status, 201);
    assert.equal(shop.productService.asked.length, 1);
  });

  it('is one call for twenty customers who want one product at once', async () => {
    const { id } = unheardOf({ quantity: 1_000 });
    const customers = await Promise.all(Array.from({ length: 20 }, () => shop.customer()));
    const answers = await Promise.all(customers.map((one) => one.place([{ product_id: id, quantity: 1 }])));
    assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]));
    assert.ok(timesAsked(id) < 20, `asked ${timesAsked(id)} times`);
  });

  it('sells what was stocked up since the copy was made', async () => {
    const ann = await shop.customer();
    const product = unheardOf({ quantity: 1 });
    assert.equal((await ann.place([{ product_id: product.id, quantity: 2 }])).error.code, 'OUT_OF_STOCK');
    shop.productService.products.set(product.id, { ...product, quantity: 5, stockVersion: 1 });
    await eventually(async () => {
      assert.equal((await ann.place([{ product_id: product.id, quantity: 2 }])).status, 201);
    });
    const [copy] = await shop.query<{ available: number; stock_version: number }>(
      'SELECT available, stock_version FROM products WHERE product_id = :id',
      { id: product.id },
    );
    assert.deepEqual(copy, { available: 5, stock_version: 1 });
  });

  it('takes the price that the customer saw when the copy is behind', async () => {
    const ann = await shop.customer();
    const product = unheardOf({ priceMinor: 1_000 });
    const at = (unit_price: string) =>
      ann.request<{ total_amount: string }>('POST', '/orders', {
        request_id: randomUUID(),
        shipping_address: 'x',
        items: [{ product_id: product.id, quantity: 1, unit_price }],
      });
    assert.equal((await at('10.00')).status, 201);
    shop.productService.products.set(product.id, { ...product, priceMinor: 1_250, version: 2 });
    await eventually(async () => {
      const placed = await at('12.50');
      assert.equal(placed.data?.total_amount, '12.50', JSON.stringify(placed.error));
    });
    assert.equal((await at('10.00')).error.code, 'PRICE_CHANGED');
  });

  it('learns of a deletion before its event has come', async () => {
    const ann = await shop.customer();
    const product = unheardOf({ quantity: 1 });
    assert.equal((await ann.place([{ product_id: product.id, quantity: 1 }])).status, 201);
    shop.productService.products.set(product.id, { ...product, version: 2, deleted: true });
    await eventually(async () => {
      const refused = await ann.place([{ product_id: product.id, quantity: 2 }]);
      assert.deepEqual([refused.status, refused.error.code], [404, 'NOT_FOUND']);
    });
  });

  it('is not asked by each of many who come too late', async () => {
    const { id } = unheardOf({ quantity: 0 });
    const customers = await Promise.all(Array.from({ length: 20 }, () => shop.customer()));
    await customers[0]?.place([{ product_id: id, quantity: 1 }]);
    shop.productService.asked.length = 0;
    const answers = await Promise.all(customers.map((one) => one.place([{ product_id: id, quantity: 1 }])));
    assert.deepEqual(new Set(answers.map(({ error }) => error.code)), new Set(['OUT_OF_STOCK']));
    assert.ok(timesAsked(id) < 10, `asked ${timesAsked(id)} times`);
  });

  it('can do without it: known products are sold and refused, unknown ones are 503', async () => {
    const ann = await shop.customer();
    const scarce = unheardOf({ quantity: 1 });
    for (const id of [LAMP.id, scarce.id]) {
      assert.equal((await ann.place([{ product_id: id, quantity: 1 }])).status, 201);
    }
    shop.productService.leave();
    assert.equal((await ann.place([{ product_id: LAMP.id, quantity: 1 }])).status, 201);
    await eventually(async () => {
      const refused = await ann.place([{ product_id: scarce.id, quantity: 2 }]);
      assert.deepEqual([refused.status, refused.error.code], [409, 'OUT_OF_STOCK']);
      const unknown = await ann.place([{ product_id: unheardOf().id, quantity: 1 }]);
      assert.deepEqual([unknown.status, unknown.error.code], [503, 'UNAVAILABLE']);
      assert.ok(unknown.headers.get('retry-after'));
      assert.match(await shop.metrics(), /circuit_breaker_state\{[^}]*dependency="product"[^}]*\} 2/);
    });
    assert.equal((await ann.place([{ product_id: LAMP.id, quantity: 1 }])).status, 201);
  });

  it('comes back by itself when the product service does', async () => {
    const ann = await shop.customer();
    await eventually(async () => {
      assert.equal((await ann.place([{ product_id: unheardOf().id, quantity: 1 }])).status, 201);
    });
  });
});
