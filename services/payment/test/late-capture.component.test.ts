import assert from 'node:assert/strict';
import { eventually } from '@punctual/testing';
import { CARDS, type Customer, type RunningPayment, startPayment } from './running-payment.ts';

describe('a capture that is reported for a payment that has failed', () => {
  let shop: RunningPayment;
  let ann: Customer;

  before(async function () {
    this.timeout(60_000);
    shop = await startPayment('late-capture');
    ann = await shop.customer();
  });
  after(() => shop.stop());

  /** A payment that the provider declined at first, and the words in which it takes that back. */
  async function declinedPayment() {
    const order = shop.orderService.place(ann.userId);
    const { data } = await ann.pay(order, CARDS.decline);
    assert.equal(data.status, 'failed');
    const [charge] = await shop.query<{ id: string; key: string }>(
      `UPDATE sandbox_charges SET outcome = 'captured', decline_code = NULL
       WHERE idempotency_key = (SELECT CAST(idempotency_key AS text) FROM payments WHERE id = :id)
       RETURNING id, idempotency_key AS key`,
      { id: data.id },
    );
    assert.ok(charge);
    const capture = {
      id: 'evt_1',
      type: 'charge.succeeded',
      data: { charge_id: charge.id, idempotency_key: charge.key, created_at: new Date().toISOString() },
    };
    return { order, id: data.id, capture, charge };
  }

  const refundsOf = (chargeId: string) =>
    shop.query('SELECT id FROM sandbox_refunds WHERE charge_id = :chargeId', { chargeId });

  it('pays the order after all while nothing else does, and is told once', async () => {
    const { order, id, capture, charge } = await declinedPayment();
    for (let times = 0; times < 3; times += 1) assert.equal(await shop.webhook(capture), 200);
    const payment = await ann.payment(id);
    assert.deepEqual([payment.status, payment.failure], ['succeeded', null]);
    assert.ok(payment.captured_at);
    await eventually(() => assert.deepEqual(shop.eventsOf(order.id), ['payment.failed', 'payment.success']));
    assert.equal((await refundsOf(charge.id)).length, 0);
    assert.equal((await ann.create(order.id, CARDS.approve)).error.code, 'PAYMENT_EXISTS');
    assert.match(await shop.metrics(), /payment_contradictions_total\{service="payment"\} 1/);
  });

  it('goes back once when the order has ended', async () => {
    const { order, id, capture, charge } = await declinedPayment();
    const at = new Date().toISOString();
    const about = { order_id: order.id, user_id: ann.userId };
    await shop.tell('order.cancelled', { ...about, reason: 'PAYMENT_EXPIRED', cancelled_at: at });
    await eventually(async () =>
      assert.deepEqual(await shop.query('SELECT status FROM orders WHERE order_id = :id', { id: order.id }), [
        { status: 'CANCELLED' },
      ]),
    );
    await Promise.all(Array.from({ length: 5 }, () => shop.webhook(capture)));
    await eventually(async () => assert.equal((await ann.payment(id)).status, 'refunded'));
    await eventually(() =>
      assert.deepEqual(shop.eventsOf(order.id), ['payment.failed', 'payment.success', 'payment.refunded']),
    );
    assert.equal((await refundsOf(charge.id)).length, 1);
    assert.equal(shop.published.findLast(({ orderId }) => orderId === order.id)?.data.cause, 'order.cancelled');
  });

  for (const isTaken of [true, false]) {
    it(`goes back once when another payment ${isTaken ? 'has taken' : 'is to take'} its place, which is left alone`, async () => {
      const { order, id, capture, charge } = await declinedPayment();
      const other = await ann.create(order.id, CARDS.approve);
      if (isTaken) await ann.process(other.data.id);
      await Promise.all(Array.from({ length: 5 }, () => shop.webhook(capture)));
      await eventually(async () => assert.equal((await ann.payment(id)).status, 'refunded'));
      assert.equal((await refundsOf(charge.id)).length, 1);
      assert.equal((await ann.payment(other.data.id)).status, isTaken ? 'succeeded' : 'pending');
      await eventually(() => {
        const refunded = shop.published.filter(
          ({ type, orderId }) => type === 'payment.refunded' && orderId === order.id,
        );
        assert.deepEqual(
          refunded.map(({ data }) => [data.payment_id, data.cause]),
          [[id, 'payment.superseded']],
        );
      });
      // An order that waits would be paid by news of money that is on its way back.
      const told = isTaken ? ['payment.failed', 'payment.success'] : ['payment.failed'];
      assert.deepEqual(shop.eventsOf(order.id), [...told, 'payment.refunded']);
      assert.equal((await ann.process(other.data.id)).data.status, 'succeeded');
    });
  }
});
