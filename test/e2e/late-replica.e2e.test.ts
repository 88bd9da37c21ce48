import assert from 'node:assert/strict';
import { Client } from 'pg';
import { newProduct, orderBecomes, paidOrder, placedOrder, platformAt, settings, shop } from './platform.ts';

describe('a replica thirty seconds behind', function () {
  this.timeout(60_000);
  before(async () => {
    await platformAt(1);
    await onReplica("ALTER SYSTEM SET recovery_min_apply_delay = '30s'", 'SELECT pg_reload_conf()');
  });
  after(async () => {
    await onReplica('ALTER SYSTEM RESET recovery_min_apply_delay', 'SELECT pg_reload_conf()');
  });

  it('hides nothing from a client that it was told itself, though lists may lag', async () => {
    const product = await newProduct(5);
    assert.equal((await shop.product(product.id)).quantity, 5);
    const customer = await shop.newCustomer();
    const order = await placedOrder(customer, [{ product_id: product.id, quantity: 1 }]);
    assert.equal((await customer.order(order.id)).id, order.id);
    assert.ok((await customer.timeline(order.id)).length > 0);
    await orderBecomes(customer, order.id, { stock: 'reserved' });
    await paidOrder(customer, order.id);
    assert.equal((await customer.order(order.id)).status, 'PAID');

    const list = await customer.request<unknown[]>('GET', '/orders/my-orders');
    assert.equal(list.status, 200);
    assert.equal(list.body.data.length, 0, 'the list was not read on the replica');
  });
});

async function onReplica(...statements: string[]): Promise<void> {
  const client = new Client({ connectionString: settings.POSTGRES_REPLICA_ADMIN_URL });
  await client.connect();
  try {
    for (const statement of statements) await client.query(statement);
  } finally {
    await client.end();
  }
}
