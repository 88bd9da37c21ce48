import assert from 'node:assert/strict';
import { type Customer, eventually, expectStatus, type Mail } from '@punctual/testing';
import {
  DAY_IN_20_SECONDS,
  hourMs,
  inbox,
  newProduct,
  orderBecomes,
  paidOrder,
  placedOrder,
  platformAt,
  quantityBecomes,
  shop,
} from './platform.ts';

const SCALE = DAY_IN_20_SECONDS;
const HOUR_MS = hourMs(SCALE);
const DAY_HOURS = 24;
const DEADLINE_MS = 45_000;

describe('the life of an order, in time-lapse', function () {
  this.timeout(90_000);
  before(() => platformAt(SCALE));

  it('reminds at 4, 12 and 22 hours, expires at 24, spares the paid order, and gives back exactly what was unpaid', async () => {
    const product = await newProduct(10);
    const customer = await shop.newCustomer();
    const items = [{ product_id: product.id, quantity: 2 }];
    const unpaid = await placedOrder(customer, items);
    const paid = await placedOrder(customer, [{ product_id: product.id, quantity: 3 }]);
    await orderBecomes(customer, paid.id, { stock: 'reserved' });
    await orderBecomes(customer, unpaid.id, { stock: 'reserved' });
    await quantityBecomes(product.id, 5);
    await paidOrder(customer, paid.id);

    const createdMs = Date.parse(unpaid.created_at);
    assert.equal(Date.parse(unpaid.expires_at) - createdMs, Math.round(DAY_HOURS * HOUR_MS));
    await orderBecomes(
      customer,
      unpaid.id,
      { status: 'CANCELLED', reason: 'PAYMENT_EXPIRED' },
      { timeoutMs: DEADLINE_MS },
    );
    await orderBecomes(customer, paid.id, { status: 'COMPLETED', reason: null });
    await quantityBecomes(product.id, 7);

    const mails = await allMails(customer, 8);
    const about = (id: number) => mails.filter(({ subject }) => subject.includes(`Order ${id} `));
    assert.deepEqual(
      about(unpaid.id).map(({ subject, text }) => /Reminder \d of \d/.exec(text)?.[0] ?? subject),
      [
        `Order ${unpaid.id} is reserved for you`,
        'Reminder 1 of 3',
        'Reminder 2 of 3',
        'Reminder 3 of 3',
        `Order ${unpaid.id} was cancelled`,
      ],
    );
    assert.deepEqual(
      about(paid.id).map(({ subject }) => subject),
      [`Order ${paid.id} is reserved for you`, `Order ${paid.id} is paid, thank you`],
    );
    const reminder = about(unpaid.id)[1];
    assert.match(reminder?.subject ?? '', /awaits your payment: (20|1[5-9]) hours left/);
    assert.ok(reminder?.html.includes(product.name) && reminder.text.includes('39.80 USD'));

    const timeline = await customer.timeline(unpaid.id);
    const fired = timeline.filter((entry) => entry.type === 'timer.fired');
    assert.deepEqual(
      fired.map((entry) => entry.detail.kind),
      ['reminder-1', 'reminder-2', 'reminder-3', 'expiry'],
    );
    for (const [index, hours] of [4, 12, 22, DAY_HOURS].entries()) {
      const at = Date.parse(fired[index]?.at ?? '');
      assert.ok(at >= createdMs + hours * HOUR_MS, `timer ${index + 1} fired early`);
    }
  });

  it('refuses payment of an expired order with its state, and a second payment too', async () => {
    const product = await newProduct(2);
    const customer = await shop.newCustomer();
    const order = await placedOrder(customer, [{ product_id: product.id, quantity: 1 }]);
    await orderBecomes(customer, order.id, { stock: 'reserved' });
    expectStatus(await customer.cancel(order.id), 200);
    const refused = await customer.pay(order.id);
    assert.equal(refused.status, 409);
    assert.equal(refused.body.error?.code, 'ILLEGAL_TRANSITION');
    assert.match(JSON.stringify(refused.body.error?.details), /CANCELLED/);
    await quantityBecomes(product.id, 2);
  });
});

async function allMails(customer: Customer, count: number): Promise<Mail[]> {
  return await eventually(
    async () => {
      const mails = await inbox.mailsTo(customer.email);
      assert.equal(mails.length, count, mails.map(({ subject }) => subject).join('; '));
      return mails;
    },
    { timeoutMs: 10_000, intervalMs: 200 },
  );
}
