import assert from 'node:assert/strict';
import type { orderApi } from '@punctual/contracts';
import { eventually } from '@punctual/testing';
import { type Customer, type RunningOrder, startOrder } from './running-order.ts';

/** Hours that a reminder may say are left: what is left when it is due, and what an hour or more of lateness makes of it. */
const AT_MOST = [20, 12, 2];
const MORE_THAN = [12, 4, 0];
/** A day lasts twelve seconds: reminders after 2 s, 6 s and 11 s. */
const TIME_SCALE = '7200';
const DAY_MS = 12_000;
/** SWEEP_GRACE and SWEEP_INTERVAL as they are by default, and time for a slow machine. */
const SWEEP_BOUND_MS = 8_000;
const LAMP = { id: 1, name: 'Lamp', priceMinor: 2_500, quantity: 1_000_000 };

type TimerRow = { kind: string; state: string; late_ms: number | null };

describe('the timers of an order', () => {
  let shop: RunningOrder;
  let ann: Customer;

  before(async function () {
    this.timeout(60_000);
    shop = await startOrder('order-timers', { TIME_SCALE });
    shop.productService.products.set(LAMP.id, LAMP);
    ann = await shop.customer();
  });
  after(() => shop.stop());

  async function placeReserved(): Promise<number> {
    const { data } = await ann.place([{ product_id: LAMP.id, quantity: 1 }]);
    await eventually(async () => assert.equal((await ann.order(data.id)).stock, 'reserved'));
    return data.id;
  }

  /** With how late each was acted on, by the database's clock. */
  function timersOf(id: number): Promise<TimerRow[]> {
    return shop.query<TimerRow>(
      `SELECT t.kind, t.state, CAST(extract(epoch FROM e.at - t.due_at) * 1000 AS float8) AS late_ms
       FROM order_timers t
       LEFT JOIN order_events e ON e.order_id = t.order_id AND e.detail ->> 'kind' = t.kind
       WHERE t.order_id = :id ORDER BY t.due_at`,
      { id },
    );
  }

  const remindersOf = (id: number) => shop.mailsOf(id, 'mail.payment-reminder');

  it('remind of an unpaid order and end it on time, and leave a paid one alone until it is complete', async function () {
    this.timeout(90_000);
    const unpaid = await placeReserved();
    const paid = await placeReserved();
    await ann.request('POST', `/orders/${paid}/pay`);

    await eventually(
      async () => {
        const { status, reason } = await ann.order(unpaid);
        assert.deepEqual({ status, reason }, { status: 'CANCELLED', reason: 'PAYMENT_EXPIRED' });
        assert.equal((await ann.order(paid)).status, 'COMPLETED');
      },
      { timeoutMs: DAY_MS + SWEEP_BOUND_MS },
    );
    await eventually(() => {
      assert.deepEqual(shop.eventsOf(unpaid), ['order.created', 'order.cancelled']);
      assert.deepEqual(shop.eventsOf(paid), ['order.created', 'order.paid', 'order.completed']);
      assert.equal(shop.mailsOf(unpaid, 'mail.order-cancelled').length, 1);
      assert.deepEqual(
        remindersOf(unpaid).map(({ data }) => [String(data.intent).split(':').at(-1), data.reminder]),
        [
          ['reminder-1', { number: 1, of: 3 }],
          ['reminder-2', { number: 2, of: 3 }],
          ['reminder-3', { number: 3, of: 3 }],
        ],
      );
      // Half a second late is an hour of this day.
      for (const [index, { data }] of remindersOf(unpaid).entries()) {
        const hoursLeft = hoursIn(String(data.time_left));
        assert.ok(hoursLeft <= (AT_MOST[index] ?? 0) && hoursLeft > (MORE_THAN[index] ?? 0), `${data.time_left} left`);
      }
    });
    assert.equal(remindersOf(paid).length, 0);
    const timers = await timersOf(unpaid);
    assert.deepEqual(
      timers.map(({ state }) => state),
      ['fired', 'fired', 'fired', 'fired'],
    );
    for (const { kind, late_ms: lateMs } of timers) {
      assert.ok(lateMs !== null && lateMs >= 0 && lateMs < SWEEP_BOUND_MS, `${kind} was ${lateMs} ms late`);
    }
    assert.match(await shop.metrics(), /timers_fired_total\{kind="expiry",by="broker",service="order"\} 2/);
  });

  it('are kept by the sweeper when RabbitMQ has lost everything, once and within its bound', async function () {
    this.timeout(90_000);
    const id = await placeReserved();
    await eventually(() => assert.equal(remindersOf(id).length, 1), { timeoutMs: DAY_MS });
    await shop.vhost.drop();

    await eventually(async () => assert.equal((await ann.order(id)).status, 'CANCELLED'), {
      timeoutMs: DAY_MS + SWEEP_BOUND_MS,
    });
    for (const { kind, state, late_ms: lateMs } of await timersOf(id)) {
      assert.ok(['fired', 'skipped'].includes(state), `${kind} is ${state}`);
      assert.ok(lateMs !== null && lateMs >= 0 && lateMs < SWEEP_BOUND_MS, `${kind} was ${lateMs} ms late`);
    }
    await shop.vhost.restore();
    await eventually(
      async () => {
        assert.deepEqual(await shop.query('SELECT id FROM outbox'), []);
        assert.deepEqual(await shop.query('SELECT message_id FROM outbox_sent'), []);
        assert.equal(shop.mailsOf(id, 'mail.order-cancelled').length, 1);
      },
      { timeoutMs: 20_000 },
    );
    const intents = remindersOf(id).map(({ data }) => data.intent);
    assert.equal(new Set(intents).size, intents.length);
    const timeline = await ann.request<orderApi.TimelineEntry[]>('GET', `/orders/${id}/timeline`);
    assert.equal(timeline.data.filter(({ type }) => type === 'order.cancelled').length, 1);
  });
});

/** Of `3 hours left` and of `76 minutes left`. */
function hoursIn(timeLeft: string): number {
  const amount = Number.parseInt(timeLeft, 10);
  return timeLeft.includes('minute') ? amount / 60 : amount;
}
