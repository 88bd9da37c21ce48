import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { orderApi } from '@punctual/contracts';
import { eventually } from '@punctual/testing';
import { DECLINED_CARD } from './play-payment-service.ts';
import { type Customer, type RunningOrder, startOrder } from './running-order.ts';

const LAMP = { id: 1, name: 'Lamp', priceMinor: 2_500, quantity: 1_000_000 };
const PARALLEL = 40;
const card = (number: string) => ({ type: 'card', number, exp_month: 12, exp_year: 2_099, cvc: '123' });
const GOOD = card('4242424242424242');
const DECLINED = card(DECLINED_CARD);

describe('paying an order in one go', () => {
  let shop: RunningOrder;
  let ann: Customer;

  before(async function () {
    this.timeout(60_000);
    shop = await startOrder('order-payment', { PAY_WITH_TEST_CARD: 'false' });
    shop.productService.products.set(LAMP.id, LAMP);
    ann = await shop.customer();
  });
  after(() => shop.stop());
  beforeEach(() => {
    Object.assign(shop.paymentService.state, { isAway: false, isLosing: false, captures: 0 });
  });

  async function placeReserved(): Promise<number> {
    const { data } = await ann.place([{ product_id: LAMP.id, quantity: 1 }]);
    await eventually(async () => assert.equal((await ann.order(data.id)).stock, 'reserved'));
    return data.id;
  }

  const pay = (id: number, body: unknown = { method: GOOD }) =>
    ann.request<orderApi.PaidOrderView>('POST', `/orders/${id}/pay`, body);
  const tellSuccess = (id: number, capturedAt: string) =>
    shop.publish('payment', 'payment.success', id, {
      payment_id: shop.paymentService.paymentsOf(id)[0]?.id,
      order_id: id,
      user_id: ann.userId,
      amount_minor: 2_500,
      currency: 'USD',
      captured_at: capturedAt,
    });

  it('answers the order with its payment, and the event that follows finds it done', async () => {
    const id = await placeReserved();
    const { status, data } = await pay(id);
    assert.deepEqual([status, data.status, data.payment.status], [200, 'PAID', 'succeeded']);
    assert.deepEqual(data.payment.method, { type: 'card', last4: '4242' });
    await tellSuccess(id, String(data.payment.captured_at));
    const late = await placeReserved();
    await pay(late);
    await eventually(() => {
      assert.deepEqual(shop.eventsOf(late), ['order.created', 'order.paid']);
      assert.deepEqual(shop.eventsOf(id), ['order.created', 'order.paid']);
    });
    const again = await pay(id);
    assert.deepEqual([again.status, again.error.code], [409, 'ILLEGAL_TRANSITION']);
    const stored = await shop.query<{ payment_id: number }>('SELECT payment_id FROM orders WHERE id = :id', { id });
    assert.deepEqual(stored, [{ payment_id: data.payment.id }]);
  });

  it('takes the money once for 40 at once, half of them by reference', async () => {
    const id = await placeReserved();
    const answers = await Promise.all(
      Array.from({ length: PARALLEL }, (_, index) =>
        index % 2 === 0 ? pay(id) : ann.request('POST', '/orders/pay', { order_id: id, method: GOOD }),
      ),
    );
    assert.ok(answers.some(({ status }) => status === 200));
    for (const { status, error } of answers.filter((answer) => answer.status !== 200)) {
      assert.deepEqual([status, error.code], [409, 'ILLEGAL_TRANSITION']);
    }
    assert.equal(shop.paymentService.state.captures, 1);
    await eventually(() => assert.equal(shop.mailsOf(id, 'mail.order-paid').length, 1));
  });

  it('is refused with the reason when the card is declined; another card pays it then', async () => {
    const id = await placeReserved();
    const refused = await pay(id, { method: DECLINED });
    assert.deepEqual([refused.status, refused.error.code], [409, 'PAYMENT_FAILED']);
    assert.deepEqual(refused.error.details, { failure: 'CARD_DECLINED' });
    assert.equal((await ann.order(id)).status, 'PENDING');
    assert.equal((await pay(id)).data.status, 'PAID');
  });

  it('is 503 while the payment service is away, and the order waits', async () => {
    const id = await placeReserved();
    shop.paymentService.state.isAway = true;
    const away = await pay(id);
    assert.deepEqual([away.status, away.error.code], [503, 'UNAVAILABLE']);
    assert.ok(away.headers.get('retry-after'));
    assert.equal((await ann.order(id)).status, 'PENDING');
    shop.paymentService.state.isAway = false;
    await eventually(async () => assert.equal((await pay(id)).data.status, 'PAID'));
  });

  it('is 503 while nobody knows what became of the money; the event or the next try tells', async () => {
    for (const isTold of [true, false]) {
      const id = await placeReserved();
      shop.paymentService.state.isLosing = true;
      const lost = await pay(id);
      assert.deepEqual([lost.status, lost.error.code], [503, 'UNAVAILABLE']);
      assert.ok(lost.headers.get('retry-after'));
      assert.equal((await ann.order(id)).status, 'PENDING');
      shop.paymentService.state.isLosing = false;
      if (isTold) await tellSuccess(id, new Date().toISOString());
      else assert.equal((await pay(id)).status, 200);
      await eventually(async () => assert.equal((await ann.order(id)).status, 'PAID'));
      assert.equal(shop.paymentService.paymentsOf(id).length, 1);
    }
  });

  it('needs a card here, and takes nothing beside it', async () => {
    const id = await placeReserved();
    const { cvc: _, ...incomplete } = GOOD;
    for (const [body, field] of [
      [undefined, 'method'],
      [{}, 'method'],
      [{ method: incomplete }, 'method.cvc'],
      [{ method: { ...GOOD, number: '4242' } }, 'method.number'],
      [{ method: GOOD, amount: '0.01' }, 'amount'],
      [{ method: GOOD, status: 'PAID' }, 'status'],
    ] as const) {
      for (const [path, extra] of [
        [`/orders/${id}/pay`, {}],
        ['/orders/pay', { order_id: id }],
      ] as const) {
        const answer = await ann.request('POST', path, body === undefined ? undefined : { ...body, ...extra });
        const wanted = body === undefined && path === '/orders/pay' ? 'body' : field;
        assert.deepEqual([answer.status, answer.error.code], [400, 'VALIDATION_FAILED'], path);
        assert.deepEqual(
          (answer.error.details as { field: string }[]).map((problem) => problem.field),
          [wanted],
        );
      }
    }
    assert.equal(shop.paymentService.paymentsOf(id).length, 0);
    assert.doesNotMatch(JSON.stringify(await shop.query('SELECT * FROM order_events')), /424242/);
  });

  it('that was cancelled while the money was on its way stays cancelled', async () => {
    const id = await placeReserved();
    shop.paymentService.state.isLosing = true;
    await pay(id);
    shop.paymentService.state.isLosing = false;
    const cancelled = await ann.request('POST', `/orders/${id}/cancel`);
    assert.equal(cancelled.status, 200);
    await tellSuccess(id, new Date().toISOString());
    const about = { payment_id: 70, order_id: id, user_id: ann.userId, amount_minor: 2_500, currency: 'USD' };
    const refunded = { ...about, cause: 'order.cancelled', refunded_at: new Date().toISOString() };
    await shop.publish('payment', 'payment.refunded', id, refunded, randomUUID());
    await eventually(() => assert.equal(shop.mailsOf(id, 'mail.refund').length, 1));
    assert.equal((await ann.order(id)).status, 'CANCELLED');
    assert.deepEqual(shop.eventsOf(id), ['order.created', 'order.cancelled']);
  });
});

describe('paying an order that expires while its stock is waited for', () => {
  let shop: RunningOrder;

  before(async function () {
    this.timeout(60_000);
    // Nobody works in the background, so that the expiry is for whoever pays to find.
    shop = await startOrder('order-overdue', { ORDER_REMINDERS: '100ms', ORDER_EXPIRY: '1s' }, ['api']);
    shop.productService.products.set(LAMP.id, LAMP);
  });
  after(() => shop.stop());

  it('is refused for what the order has become', async () => {
    const ann = await shop.customer();
    const { data } = await ann.place([{ product_id: LAMP.id, quantity: 1 }]);
    const { status, error } = await ann.request('POST', `/orders/${data.id}/pay`, { method: GOOD });
    assert.deepEqual([status, error.code], [409, 'ILLEGAL_TRANSITION']);
    assert.equal((await ann.order(data.id)).reason, 'PAYMENT_EXPIRED');
  });
});
