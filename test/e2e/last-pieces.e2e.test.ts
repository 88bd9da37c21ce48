import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { eventually } from '@punctual/testing';
import { mapWithLimit, newCustomers, newProduct, placeUntilKnown, platformAt, quantityBecomes } from './platform.ts';

const BUYERS = 500;
const CUSTOMERS = 25;
const PIECES = 100;

describe('the last pieces', function () {
  this.timeout(90_000);
  before(() => platformAt(1));

  it(`go to exactly ${PIECES} of ${BUYERS} buyers; the others are told at once or cancelled with the reason`, async () => {
    const product = await newProduct(PIECES);
    const customers = await newCustomers(CUSTOMERS);
    const buyers = Array.from({ length: BUYERS }, (_, index) => customers[index % CUSTOMERS]).filter(
      (buyer) => buyer !== undefined,
    );
    const answers = await mapWithLimit(buyers, 100, (customer) =>
      placeUntilKnown(customer, { request_id: randomUUID(), items: [{ product_id: product.id, quantity: 1 }] }),
    );

    const refused = answers.filter(({ status }) => status === 409);
    for (const { body } of refused) {
      assert.equal(body.error?.code, 'OUT_OF_STOCK');
      assert.match(JSON.stringify(body.error?.details), /"available":\d+/);
    }
    const accepted = answers.flatMap(({ status, body }, index) => {
      const customer = buyers[index];
      return status === 201 && customer ? [{ customer, id: body.data.id }] : [];
    });
    assert.equal(accepted.length + refused.length, BUYERS);

    const settled = await mapWithLimit(accepted, 25, ({ customer, id }) =>
      eventually(
        async () => {
          const order = await customer.order(id);
          assert.notEqual(order.stock, 'pending');
          return order;
        },
        { timeoutMs: 30_000, intervalMs: 250 },
      ),
    );
    const reserved = settled.filter(({ stock }) => stock === 'reserved');
    const cancelled = settled.filter(({ status, reason }) => status === 'CANCELLED' && reason === 'OUT_OF_STOCK');
    assert.equal(reserved.length, PIECES);
    assert.equal(reserved.length + cancelled.length, settled.length);
    await quantityBecomes(product.id, 0);
  });
});
