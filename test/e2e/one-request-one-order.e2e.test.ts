import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { newProduct, orderBecomes, placeUntilKnown, platformAt, quantityBecomes, settings, shop } from './platform.ts';

const PARALLEL = 100;

describe('one request_id', function () {
  this.timeout(60_000);
  before(() => platformAt(1));

  for (const flush of [false, true]) {
    const circumstance = flush ? ' while Redis forgets everything' : '';
    it(`sent ${PARALLEL} times in parallel makes one order${circumstance}`, async () => {
      const product = await newProduct(50);
      const customer = await shop.newCustomer();
      const order = { request_id: randomUUID(), items: [{ product_id: product.id, quantity: 2 }] };
      const sending = Array.from({ length: PARALLEL }, () => customer.placeOrder(order));
      if (flush) await flushRedis();
      const answers = await Promise.all(sending);

      const created = answers.filter(({ status }) => status === 201);
      const others = answers.filter(({ status }) => status !== 201);
      assert.ok(created.length > 0, 'nobody was answered 201');
      for (const answer of others) {
        assert.equal(answer.body.error?.code, 'REQUEST_IN_PROGRESS', JSON.stringify(answer.body));
      }
      const again = await placeUntilKnown(customer, order);
      for (const answer of created) assert.deepEqual(answer.body, again.body);

      const listed = await customer.request<unknown[]>('GET', '/orders/my-orders');
      assert.equal(listed.body.paging?.total_items, 1);
      await orderBecomes(customer, again.body.data.id, { stock: 'reserved' });
      await quantityBecomes(product.id, 48);
    });
  }
});

async function flushRedis(): Promise<void> {
  await Promise.all(
    settings.REDIS_NODES.split(',').map(async (address) => {
      const { hostname, port } = new URL(`tcp://${address}`);
      const node = new Redis({ host: hostname, port: Number(port) });
      try {
        await node.flushall();
      } finally {
        node.disconnect();
      }
    }),
  );
}
