import assert from 'node:assert/strict';
import { eventually } from '@punctual/testing';
import { type RunningOrder, startOrder } from './running-order.ts';

const LAMP = { id: 1, name: 'Lamp', priceMinor: 2_500, quantity: 1_000_000 };
const SLOW = { timeoutMs: 20_000 };

describe('the mail jobs of an order', function () {
  this.timeout(60_000);
  let shop: RunningOrder;

  before(async () => {
    shop = await startOrder('order-mails');
    shop.productService.products.set(LAMP.id, LAMP);
  });
  after(() => shop.stop());

  const sendings = async (orderId: number) =>
    (
      await shop.query<{ sendings: number }>(
        `SELECT sendings FROM outbox_sent WHERE type = 'mail.order-confirmation' AND subject = :id`,
        { id: String(orderId) },
      )
    ).map((row) => row.sendings);

  it('stay rows until the mail service has finished with them, and go out again when RabbitMQ has lost all', async () => {
    shop.mailReceipts.given = false;
    const ann = await shop.customer();
    const { data } = await ann.place([{ product_id: LAMP.id, quantity: 1 }]);
    await eventually(async () => assert.deepEqual(await sendings(data.id), [1]), SLOW);
    await eventually(() => assert.equal(shop.mailsOf(data.id, 'mail.order-confirmation').length, 1), SLOW);

    await shop.vhost.drop();
    await shop.vhost.restore();
    await eventually(async () => assert.deepEqual(await sendings(data.id), [2]), SLOW);

    shop.mailReceipts.given = true;
    await shop.vhost.drop();
    await shop.vhost.restore();
    await eventually(async () => assert.deepEqual(await sendings(data.id), []), SLOW);
    assert.equal(shop.mailsOf(data.id, 'mail.order-confirmation').length, 1);
  });
});
