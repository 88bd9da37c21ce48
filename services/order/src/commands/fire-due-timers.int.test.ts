import assert from 'node:assert/strict';
import { parseMailJob } from '@punctual/contracts';
import { createMetrics } from '@punctual/telemetry';
import { DAY, type OrderDatabase, openOrderDatabase } from '../../test/order-database.ts';
import { applyPayments } from './apply-payments.ts';
import { IllegalTransition } from './errors.ts';
import { createFireDueTimers, type FireDueTimers } from './fire-due-timers.ts';
import { createPayOrder } from './pay-order.ts';
import { createSweepTimers } from './sweep-timers.ts';

const HOUR_MS = 3_600_000;
type OutboxRow = { type: string; subject: string; payload: unknown; due_at: Date | null };

describe('firing due timers', () => {
  let data: OrderDatabase;
  let fireDueTimers: FireDueTimers;
  const metrics = createMetrics('order');
  const wakeRelay = () => undefined;

  before(async () => {
    data = await openOrderDatabase('fire-due-timers');
    fireDueTimers = createFireDueTimers({ db: data.db, timeScale: 1, metrics, wakeRelay });
  });
  after(() => data.close());
  beforeEach(async () => {
    await data.query('TRUNCATE orders, order_items, order_timers, order_events, outbox');
  });

  async function placeAged(hours: number): Promise<number> {
    const id = await data.place();
    await data.age(hours);
    await data.query('DELETE FROM outbox');
    return id;
  }

  const wake = (...ids: number[]) =>
    fireDueTimers(
      ids.map((orderId) => ({ orderId })),
      { by: 'broker' },
    );
  const outbox = () => data.query<OutboxRow>('SELECT type, subject, payload, due_at FROM outbox ORDER BY id');
  const outboxTypes = async () => (await outbox()).map(({ type }) => type);
  const states = async (id: number) => {
    const timers = await data.query<{ kind: string; state: string }>(
      'SELECT kind, state FROM order_timers WHERE order_id = :id ORDER BY due_at',
      { id },
    );
    return timers.map(({ kind, state }) => `${kind} ${state}`);
  };
  const statusOf = async (id: number) =>
    (
      await data.query<{ status: string; reason: string }>('SELECT status, reason FROM orders WHERE id = :id', { id })
    )[0];

  it('does nothing for an order that has nothing due, nor for one that does not exist', async () => {
    const id = await placeAged(3);
    assert.equal(await wake(id, 999_999), 0);
    assert.deepEqual(await outbox(), []);
  });

  it('sends a wake-up again that came before its time, for as long as is left', async () => {
    const id = await placeAged(3);
    const early = new Date(Date.now() + HOUR_MS);
    await fireDueTimers([{ orderId: id, dueAt: early }], { by: 'broker' });
    const [message, ...rest] = await outbox();
    assert.deepEqual([message?.type, message?.payload, rest.length], ['order.reminder', { order_ids: [id] }, 0]);
    assert.ok(Math.abs(Number(message?.due_at) - Number(early)) < 5_000);
  });

  it('mails one reminder after an outage, skips the earlier, and arms the next', async () => {
    const id = await placeAged(13);
    assert.equal(await wake(id), 1);
    assert.deepEqual(await states(id), [
      'reminder-1 skipped',
      'reminder-2 fired',
      'reminder-3 waiting',
      'expiry waiting',
    ]);
    const [mail, next] = await outbox();
    const job = parseMailJob('mail.payment-reminder', mail?.payload);
    assert.match(job.intent, new RegExp(`^order:${id}:\\d+:reminder-2$`));
    assert.deepEqual(job.reminder, { number: 2, of: 3 });
    assert.equal(job.time_left, '11 hours');
    const due = await data.query<{ due_at: Date }>(
      `SELECT due_at FROM order_timers WHERE order_id = :id AND kind = 'reminder-3'`,
      { id },
    );
    assert.equal(job.not_after, due[0]?.due_at.toISOString());
    assert.deepEqual([next?.type, next?.due_at], ['order.reminder', due[0]?.due_at]);
  });

  it('cancels an unpaid order at its expiry without any late reminder', async () => {
    const id = await placeAged(25);
    assert.equal(await wake(id), 1);
    assert.deepEqual(await statusOf(id), { status: 'CANCELLED', reason: 'PAYMENT_EXPIRED' });
    assert.deepEqual(await states(id), [
      'reminder-1 skipped',
      'reminder-2 skipped',
      'reminder-3 skipped',
      'expiry fired',
    ]);
    assert.deepEqual(await outboxTypes(), ['order.cancelled', 'mail.order-cancelled']);
  });

  it('completes a paid order at its expiry', async () => {
    const id = await placeAged(0);
    await data.query(`UPDATE orders SET stock = 'reserved'`);
    const captured = { payment_id: 70, captured_at: new Date().toISOString() };
    const about = { order_id: id, user_id: 1, amount_minor: 2_500, currency: 'USD' };
    await data.db.transaction((tx) =>
      applyPayments(tx, [{ type: 'payment.success', data: { ...about, ...captured } }]),
    );
    assert.deepEqual(await outboxTypes(), ['order.paid', 'mail.order-paid', 'order.expiry']);
    await data.age(25);
    await wake(id);
    assert.equal((await statusOf(id))?.status, 'COMPLETED');
    assert.deepEqual((await outboxTypes()).slice(3), ['order.completed']);
  });

  it('happens at a payment that comes after the deadline, which is then refused', async () => {
    const id = await placeAged(25);
    await data.query(`UPDATE orders SET stock = 'reserved'`);
    const paymentDesk = { pay: () => assert.fail('no money may be asked for') };
    const payOrder = createPayOrder({ db: data.db, paymentDesk, paysWithTestCard: false, fireDueTimers, wakeRelay });
    const method = { type: 'card' as const, number: '4242424242424242', exp_month: 12, exp_year: 2_099, cvc: '123' };
    await assert.rejects(
      payOrder({ orderId: id, caller: { userId: 1, role: 'customer' }, method, authorization: '' }),
      (error) => error instanceof IllegalTransition && error.current === 'CANCELLED',
    );
    assert.equal((await statusOf(id))?.reason, 'PAYMENT_EXPIRED');
  });

  it('does a thing once, however many of broker and sweeper look at the same orders', async () => {
    const ids = await Promise.all(Array.from({ length: 30 }, () => data.place()));
    await data.age(5);
    await data.query('DELETE FROM outbox');
    const sweep = createSweepTimers({ db: data.db, fireDueTimers, graceMs: 0, metrics });
    await Promise.all([
      ...Array.from({ length: 4 }, () => wake(...ids)),
      ...Array.from({ length: 4 }, () => wake(...ids.toReversed())),
      sweep(() => true),
      sweep(() => true),
    ]);
    const types = await outboxTypes();
    assert.equal(types.filter((type) => type === 'mail.payment-reminder').length, ids.length);
    const mails = (await outbox()).filter(({ type }) => type === 'mail.payment-reminder');
    assert.equal(new Set(mails.map(({ subject }) => subject)).size, ids.length);
    const armed = await data.query<{ id: number }>(
      `SELECT json_array_elements_text(payload -> 'order_ids')::bigint AS id FROM outbox WHERE type = 'order.reminder' ORDER BY 1`,
    );
    assert.deepEqual(
      armed.map(({ id }) => id),
      ids.toSorted((a, b) => a - b),
    );
  });

  it('is swept up after an outage: expiries before reminders, in batches, nothing before its grace', async () => {
    const late = await data.place();
    await data.age(20);
    const reminded = await Promise.all(Array.from({ length: 250 }, () => data.place()));
    await data.age(5);
    await data.query('DELETE FROM outbox');
    const patient = createSweepTimers({ db: data.db, fireDueTimers, graceMs: 30 * HOUR_MS, metrics });
    await patient(() => true);
    assert.deepEqual(await outboxTypes(), []);

    let batches = 0;
    const sweep = createSweepTimers({
      db: data.db,
      graceMs: 0,
      metrics,
      fireDueTimers: (wakeUps, by) => {
        batches += 1;
        assert.ok(wakeUps.length <= 200);
        return fireDueTimers(wakeUps, by);
      },
    });
    await sweep(() => true);
    assert.equal(batches, 2);
    const [first] = await outbox();
    assert.deepEqual([first?.type, first?.subject], ['order.cancelled', String(late)]);
    const mails = (await outboxTypes()).filter((type) => type === 'mail.payment-reminder');
    assert.equal(mails.length, reminded.length);
    assert.equal(DAY.remindersMs.length, 3);
  });
});
