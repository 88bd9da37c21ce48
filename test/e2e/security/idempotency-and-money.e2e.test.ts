import assert from 'node:assert/strict';
import { createHmac, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { paymentApi } from '@punctual/contracts';
import { type Customer, eventually, expectStatus } from '@punctual/testing';
import { newCustomers, newProduct, orderBecomes, platformAt, quantityBecomes, settings } from '../platform.ts';
import { query, refusal, stackSettings } from './attacker.ts';

/** The sandbox captures with this card, and its answer gets lost: only a webhook or a look at its books can tell. */
const LOST_CARD = { type: 'card', number: '4000000000000119', exp_month: 12, exp_year: 2090, cvc: '123' } as const;
const CLOCK_TOLERANCE_SECONDS = 300;

describe('requests that come again', function () {
  this.timeout(60_000);
  let ann: Customer;
  let bob: Customer;
  before(async () => {
    await platformAt(1);
    const [first, second] = await newCustomers(2);
    assert.ok(first && second);
    [ann, bob] = [first, second];
  });

  it('S21: one request_id is another order for another user, one order for the same, and 422 for another body', async () => {
    const product = await newProduct(20);
    const order = { request_id: randomUUID(), items: [{ product_id: product.id, quantity: 1 }] };
    const answers = await Promise.all(Array.from({ length: 10 }, () => ann.placeOrder(order)));
    for (const answer of answers) {
      if (answer.status !== 201) assert.deepEqual(refusal(answer), [409, 'REQUEST_IN_PROGRESS']);
    }
    const anns = expectStatus(await ann.placeOrder(order), 201);
    const ids = answers.filter(({ status }) => status === 201).map(({ body }) => body.data.id);
    assert.deepEqual(new Set([...ids, anns.id]).size, 1, 'one request has made several orders');

    const bobs = expectStatus(await bob.placeOrder(order), 201);
    assert.notEqual(bobs.id, anns.id);
    assert.equal((await bob.request('GET', `/orders/${anns.id}`)).status, 404);

    const changed = { ...order, items: [{ product_id: product.id, quantity: 2 }] };
    assert.deepEqual(refusal(await ann.placeOrder(changed)), [422, 'REQUEST_ID_REUSED']);
    const stored = await query('order', 'SELECT id FROM orders WHERE request_id = $1 ORDER BY id', [order.request_id]);
    assert.equal(stored.length, 2);
    await quantityBecomes(product.id, 18);
  });

  it('S21: five payments of one order at the same time take its money once', async () => {
    const product = await newProduct(1);
    const order = expectStatus(await ann.placeOrder({ items: [{ product_id: product.id, quantity: 1 }] }), 201);
    await orderBecomes(ann, order.id, { stock: 'reserved' });
    const answers = await Promise.all(Array.from({ length: 5 }, () => ann.pay(order.id)));
    const paid = answers.filter(({ status }) => status === 200);
    assert.ok(paid.length > 0 && answers.every(({ status }) => status === 200 || status === 409));
    assert.equal(new Set(paid.map(({ body }) => body.data.payment.id)).size, 1);
    const charges = await query(
      'payment',
      'SELECT 1 FROM payments JOIN sandbox_charges c ON c.idempotency_key = payments.idempotency_key::text WHERE order_id = $1',
      [order.id],
    );
    assert.equal(charges.length, 1);
  });
});

describe('webhooks of the payment provider', function () {
  this.timeout(60_000);
  const secret = readFileSync(join(stackSettings.STACK_HOME, 'secrets', 'sandbox-webhook'), 'utf8').trim();
  const nowSeconds = (): number => Math.floor(Date.now() / 1_000);

  function signature(body: string, key: string, seconds = nowSeconds()): string {
    return `t=${seconds},v1=${createHmac('sha256', key).update(`${seconds}.${body}`).digest('hex')}`;
  }

  async function deliver(body: string, header?: string): Promise<number> {
    const answer = await fetch(`${settings.GATEWAY_URL}/payments/webhooks/sandbox`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(header === undefined ? {} : { 'punctual-signature': header }),
      },
      body,
    });
    await answer.body?.cancel();
    return answer.status;
  }

  it('S24: without a signature, with a wrong and with an old one they are refused; replayed they have no second effect', async () => {
    await platformAt(1);
    const [customer] = await newCustomers(1);
    assert.ok(customer);
    const product = await newProduct(1);
    const order = expectStatus(await customer.placeOrder({ items: [{ product_id: product.id, quantity: 1 }] }), 201);
    await orderBecomes(customer, order.id, { stock: 'reserved' });
    const paying = customer.pay(order.id, LOST_CARD);
    const charge = await eventually(async () => {
      const [found] = await query<{ id: string; key: string; paymentId: string }>(
        'payment',
        `SELECT c.id, c.idempotency_key AS key, payments.id AS "paymentId" FROM payments
         JOIN sandbox_charges c ON c.idempotency_key = payments.idempotency_key::text WHERE order_id = $1`,
        [order.id],
      );
      assert.ok(found, 'the provider has not charged yet');
      return found;
    });
    const event = (type: string, data: object): string =>
      JSON.stringify({
        id: `evt_${randomUUID()}`,
        type,
        data: { charge_id: charge.id, created_at: new Date(), ...data },
      });
    const forgedRefund = event('refund.succeeded', { refund_id: 're_forged' });
    const forgedFailure = event('charge.failed', { idempotency_key: charge.key, decline_code: 'CARD_DECLINED' });
    const success = event('charge.succeeded', { idempotency_key: charge.key });

    for (const body of [forgedRefund, forgedFailure, success]) {
      const refused: Record<string, string | undefined> = {
        none: undefined,
        empty: '',
        'of zeros': `t=${nowSeconds()},v1=${'0'.repeat(64)}`,
        'with another key': signature(body, 'another key'),
        'of another body': signature(`${body} `, secret),
        old: signature(body, secret, nowSeconds() - CLOCK_TOLERANCE_SECONDS - 5),
        'of the future': signature(body, secret, nowSeconds() + CLOCK_TOLERANCE_SECONDS + 5),
      };
      for (const [name, header] of Object.entries(refused)) assert.equal(await deliver(body, header), 401, name);
    }

    const replay = signature(success, secret);
    assert.equal(await deliver(success, replay), 200);
    await orderBecomes(customer, order.id, { status: 'PAID' });
    const payment = () => customer.request<paymentApi.PaymentView>('GET', `/payments/${charge.paymentId}`);
    const settled = await eventually(async () => {
      const view = expectStatus(await payment(), 200);
      assert.equal(view.status, 'succeeded');
      return view;
    });
    await paying;
    const told = await customer.timeline(order.id);
    for (let times = 0; times < 3; times += 1) assert.equal(await deliver(success, replay), 200);
    assert.equal(await deliver(forgedRefund, signature(forgedRefund, secret)), 200, 'out of order, so nothing to do');
    assert.deepEqual(expectStatus(await payment(), 200), settled);
    assert.deepEqual(
      (await customer.timeline(order.id)).filter(({ type }) => /pa(?:id|yment)/.test(type)),
      told.filter(({ type }) => /pa(?:id|yment)/.test(type)),
    );
    assert.deepEqual(
      await query('payment', 'SELECT 1 FROM outbox WHERE subject LIKE $1', [`%${charge.paymentId}`]),
      [],
    );
  });
});
