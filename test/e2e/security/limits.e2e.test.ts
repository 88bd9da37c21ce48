import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type Customer, expectStatus } from '@punctual/testing';
import { newCustomers, newProduct, platformAt, quantityBecomes, servicesWith } from '../platform.ts';
import { askFrom, freshAddress, PASSWORD, query, refusal } from './attacker.ts';

const OPEN_ORDERS = 3;
const REGISTRATIONS = 4;

/** Limits that the other tests need large, here as small as a test can fill. */
describe('hoarding', function () {
  this.timeout(120_000);
  let hoarder: Customer;
  let other: Customer;

  before(async () => {
    await platformAt(1);
    const [first, second] = await newCustomers(2);
    assert.ok(first && second);
    [hoarder, other] = [first, second];
    await servicesWith({
      order: { ORDER_MAX_OPEN: String(OPEN_ORDERS) },
      auth: { REGISTER_ADDRESS_LIMIT: String(REGISTRATIONS) },
    });
  });
  after(() => servicesWith({}));

  it('S23: a user may have so many unpaid orders, however many are sent at once; one more only when one is gone', async () => {
    const product = await newProduct(20);
    const order = { items: [{ product_id: product.id, quantity: 1 }] };
    const answers = await Promise.all(Array.from({ length: 10 }, () => hoarder.placeOrder(order)));
    const placed = answers.filter(({ status }) => status === 201).map(({ body }) => body.data.id);
    assert.equal(placed.length, OPEN_ORDERS);
    for (const answer of answers.filter(({ status }) => status !== 201)) {
      assert.deepEqual(refusal(answer), [429, 'TOO_MANY_OPEN_ORDERS']);
      assert.deepEqual(answer.body.error?.details, { open: OPEN_ORDERS, limit: OPEN_ORDERS });
    }
    await quantityBecomes(product.id, 20 - OPEN_ORDERS);
    expectStatus(await other.placeOrder(order), 201);
    const [gone = 0] = placed;
    expectStatus(await hoarder.cancel(gone), 200);
    expectStatus(await hoarder.placeOrder(order), 201);
    assert.deepEqual(refusal(await hoarder.placeOrder(order)), [429, 'TOO_MANY_OPEN_ORDERS']);
  });

  it('S7: registrations are throttled per client address, for known and unknown mail addresses alike, and others go on', async () => {
    const farm = freshAddress();
    const register = (address: string, email: string) =>
      askFrom(address, 'POST', '/auth/register', { body: { email, password: PASSWORD } });
    const newEmail = () => `farmed-${randomUUID()}@example.com`;
    const answers = await Promise.all(Array.from({ length: 10 }, () => register(farm, newEmail())));
    assert.equal(answers.filter(({ status }) => status === 201).length, REGISTRATIONS);
    const refused = [...answers.filter(({ status }) => status !== 201), await register(farm, hoarder.email)];
    for (const answer of refused) {
      assert.deepEqual(refusal(answer), [429, 'RATE_LIMITED']);
      assert.ok(Number(answer.headers.get('retry-after')) >= 1);
    }
    assert.equal((await register(freshAddress(), newEmail())).status, 201);
    const farmed = await query(
      'auth',
      `SELECT 1 FROM users WHERE email LIKE 'farmed-%' AND created_at > now() - interval '1 minute'`,
    );
    assert.equal(farmed.length, REGISTRATIONS + 1);
  });
});
