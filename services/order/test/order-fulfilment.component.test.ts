import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { orderApi } from '@punctual/contracts';
import { eventually } from '@punctual/testing';
import { type Customer, type RunningOrder, startOrder } from './running-order.ts';

const LAMP = { id: 1, name: 'Lamp', priceMinor: 2_500, quantity: 1_000_000 };
const PARALLEL = 20;

describe('after its payment an order', () => {
  let shop: RunningOrder;
  let ann: Customer;
  let admin: Customer;

  before(async function () {
    this.timeout(60_000);
    shop = await startOrder('order-fulfilment');
    shop.productService.products.set(LAMP.id, LAMP);
    ann = await shop.customer();
    admin = await shop.customer({ role: 'admin' });
  });
  after(() => shop.stop());

  async function placeReserved(): Promise<number> {
    const { data } = await ann.place([{ product_id: LAMP.id, quantity: 1 }]);
    await eventually(async () => assert.equal((await ann.order(data.id)).stock, 'reserved'));
    return data.id;
  }

  async function placePaid(): Promise<number> {
    const id = await placeReserved();
    assert.equal((await ann.request('POST', `/orders/${id}/pay`)).status, 200);
    return id;
  }

  const move = (id: number, status: string, who = admin) =>
    who.request<orderApi.OrderView>('PATCH', `/orders/${id}/status`, { status });
  const refund = (id: number, who = admin) => who.request<orderApi.OrderView>('POST', `/orders/${id}/refund`);

  async function waitingTimers(id: number): Promise<string[]> {
    const timers = await shop.query<{ kind: string }>(
      `SELECT kind FROM order_timers WHERE order_id = :id AND state = 'waiting'`,
      { id },
    );
    return timers.map(({ kind }) => kind);
  }

  it('is confirmed, shipped and delivered, which completes it, and each step is told', async () => {
    const id = await placePaid();
    for (const [step, status] of [
      ['confirmed', 'PAID'],
      ['shipped', 'PAID'],
      ['delivered', 'COMPLETED'],
    ] as const) {
      const { data } = await move(id, step);
      assert.deepEqual([data.fulfillment, data.status], [step, status]);
      assert.equal((await ann.order(id)).fulfillment, step);
    }
    assert.deepEqual(await waitingTimers(id), []);
    await eventually(() => {
      assert.deepEqual(shop.eventsOf(id), [
        'order.created',
        'order.paid',
        ...Array(3).fill('order.status_changed'),
        'order.completed',
      ]);
      assert.deepEqual(
        shop.mailsOf(id).map(({ type }) => type),
        [
          'mail.order-confirmation',
          'mail.order-paid',
          'mail.order-confirmed',
          'mail.order-shipped',
          'mail.order-delivered',
        ],
      );
    });
    const timeline = await ann.request<orderApi.TimelineEntry[]>('GET', `/orders/${id}/timeline`);
    const actor = `admin:${admin.userId}`;
    assert.deepEqual(
      timeline.data.slice(-4).map((entry) => [entry.type, entry.actor, entry.from, entry.to]),
      [
        ['order.status_changed', actor, 'unfulfilled', 'confirmed'],
        ['order.status_changed', actor, 'confirmed', 'shipped'],
        ['order.status_changed', actor, 'shipped', 'delivered'],
        ['order.completed', actor, 'PAID', 'COMPLETED'],
      ],
    );
    const late = await refund(id);
    assert.deepEqual([late.status, late.error.code], [409, 'ILLEGAL_TRANSITION']);
    const wanted = { current: 'COMPLETED', fulfillment: 'delivered', requested: 'REFUNDED' };
    assert.deepEqual(late.error.details, wanted);
  });

  it('skips no step, takes none twice, and takes none while it is unpaid', async () => {
    const unpaid = await placeReserved();
    const early = await move(unpaid, 'confirmed');
    assert.deepEqual([early.status, early.error.code], [409, 'ILLEGAL_TRANSITION']);
    assert.deepEqual(early.error.details, { current: 'PENDING', fulfillment: 'unfulfilled', requested: 'confirmed' });
    const paid = await placePaid();
    assert.equal((await move(paid, 'shipped')).status, 409);
    assert.equal((await move(paid, 'confirmed')).status, 200);
    const again = await move(paid, 'confirmed');
    assert.deepEqual(again.error.details, { current: 'PAID', fulfillment: 'confirmed', requested: 'confirmed' });
    for (const body of [{ status: 'unfulfilled' }, { status: 'PAID' }, {}, { status: 'shipped', note: 'x' }]) {
      assert.equal((await admin.request('PATCH', `/orders/${paid}/status`, body)).status, 400, JSON.stringify(body));
    }
    assert.equal((await move(999_999_999, 'confirmed')).status, 404);
  });

  it('is moved and refunded by administrators alone', async () => {
    const id = await placePaid();
    assert.equal((await move(id, 'confirmed', ann)).status, 403);
    assert.equal((await refund(id, ann)).status, 403);
    const { status, fulfillment } = await ann.order(id);
    assert.deepEqual([status, fulfillment], ['PAID', 'unfulfilled']);
  });

  it('is refunded once: its timers are off, and nothing else happens to it', async () => {
    const unpaid = await placeReserved();
    const early = await refund(unpaid);
    assert.deepEqual([early.status, (early.error.details as { current: string }).current], [409, 'PENDING']);
    const id = await placePaid();
    const refunded = await refund(id);
    assert.deepEqual([refunded.status, refunded.data.status], [200, 'REFUNDED']);
    assert.deepEqual(await waitingTimers(id), []);
    for (const answer of [
      await refund(id),
      await move(id, 'confirmed'),
      await ann.request('POST', `/orders/${id}/pay`),
      await ann.request('POST', `/orders/${id}/cancel`),
    ]) {
      assert.deepEqual([answer.status, answer.error.code], [409, 'ILLEGAL_TRANSITION']);
      assert.equal((answer.error.details as { current: string }).current, 'REFUNDED');
    }
    await eventually(() => assert.deepEqual(shop.eventsOf(id), ['order.created', 'order.paid', 'order.refunded']));
  });

  it('is paid by the news of a capture, declined before, and told when its money has gone back, once each', async () => {
    const id = await placeReserved();
    const about = { payment_id: 70, order_id: id, user_id: ann.userId };
    const money = { amount_minor: 2_500, currency: 'USD' };
    const now = () => new Date().toISOString();
    const tell = async (type: string, data: Record<string, unknown>) => {
      const eventId = randomUUID();
      for (let delivery = 0; delivery < 3; delivery += 1) {
        await shop.publish('payment', type, id, { ...about, ...data }, eventId);
      }
    };
    await tell('payment.failed', { code: 'INSUFFICIENT_FUNDS', failed_at: now() });
    await tell('payment.success', { ...money, captured_at: now() });
    await eventually(async () => assert.equal((await ann.order(id)).status, 'PAID'));
    await refund(id);
    await tell('payment.refunded', { ...money, cause: 'order.refunded', refunded_at: now() });
    await eventually(() => assert.equal(shop.mailsOf(id, 'mail.refund').length, 1));
    const { data } = await ann.request<orderApi.TimelineEntry[]>('GET', `/orders/${id}/timeline`);
    assert.deepEqual(
      data.slice(2).map(({ type, actor, to, reason }) => [type, actor, to, reason]),
      [
        ['payment.failed', 'payment', null, 'INSUFFICIENT_FUNDS'],
        ['order.paid', 'payment', 'PAID', null],
        ['order.refunded', `admin:${admin.userId}`, 'REFUNDED', null],
        ['payment.refunded', 'payment', null, null],
      ],
    );
    assert.deepEqual(shop.eventsOf(id), ['order.created', 'order.paid', 'order.refunded']);
  });

  it('is either delivered or refunded when both are asked for at once', async () => {
    const id = await placePaid();
    await move(id, 'confirmed');
    await move(id, 'shipped');
    const answers = await Promise.all(
      Array.from({ length: PARALLEL }, (_, index) => (index % 2 === 0 ? move(id, 'delivered') : refund(id))),
    );
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    const { status } = await ann.order(id);
    const ended = await shop.query<{ type: string }>(
      `SELECT type FROM order_events WHERE order_id = :id AND to_status IN ('COMPLETED', 'REFUNDED')`,
      { id },
    );
    assert.deepEqual(ended, [{ type: status === 'COMPLETED' ? 'order.completed' : 'order.refunded' }]);
  });
});
