import assert from 'node:assert/strict';
import { filterNew } from '@punctual/messaging';
import { type OrderDatabase, openOrderDatabase } from '../../test/order-database.ts';
import { applyPayments, type PaymentNews } from './apply-payments.ts';

const MINUTE_MS = 60_000;
const PAYMENT_ID = 70;
const money = { amount_minor: 2_500, currency: 'USD' };
const about = (orderId: number) => ({ order_id: orderId, payment_id: PAYMENT_ID, user_id: 1 });
const at = (offsetMs = 0) => new Date(Date.now() + offsetMs).toISOString();

const success = (orderId: number, capturedAt = at()): PaymentNews => ({
  type: 'payment.success',
  data: { ...about(orderId), ...money, captured_at: capturedAt },
});
const failed = (orderId: number): PaymentNews => ({
  type: 'payment.failed',
  data: { ...about(orderId), code: 'CARD_DECLINED', failed_at: at() },
});
const refunded = (orderId: number): PaymentNews => ({
  type: 'payment.refunded',
  data: { ...about(orderId), ...money, cause: 'order.cancelled', refunded_at: at() },
});

describe('applying the news of payments', () => {
  let data: OrderDatabase;
  before(async () => {
    data = await openOrderDatabase('apply-payments');
  });
  after(() => data.close());

  const apply = (news: readonly PaymentNews[]) => data.db.transaction((tx) => applyPayments(tx, news));
  const outboxOf = async (id: number) => {
    const found = await data.query<{ type: string }>(
      `SELECT type FROM outbox WHERE subject = :id AND type NOT IN ('order.created', 'order.reminder') ORDER BY type`,
      { id: String(id) },
    );
    return found.map(({ type }) => type);
  };
  const historyOf = (id: number) =>
    data.query<{ type: string; reason: string | null; from_status: string | null; to_status: string | null }>(
      'SELECT type, reason, from_status, to_status FROM order_events WHERE order_id = :id ORDER BY id',
      { id },
    );

  async function placeReserved(): Promise<number> {
    const id = await data.place();
    await data.query(`UPDATE orders SET stock = 'reserved' WHERE id = :id`, { id });
    return id;
  }
  const orderOf = async (id: number) =>
    (
      await data.query<{ status: string; reason: string | null; payment_id: number | null }>(
        'SELECT status, reason, payment_id FROM orders WHERE id = :id',
        { id },
      )
    )[0];

  it('takes a burst of 300 with a handful of statements', async () => {
    const ids = [];
    for (let index = 0; index < 300; index += 1) ids.push(await data.place());
    await data.query(`UPDATE orders SET stock = 'reserved'`);
    let statements = 0;
    data.db.primary.on('query', () => {
      statements += 1;
    });
    await apply(ids.map((id) => success(id)));
    data.db.primary.removeAllListeners('query');
    assert.ok(statements <= 8, `${statements} statements`);
    const states = await data.query('SELECT status, payment_id, count(*) AS total FROM orders GROUP BY 1, 2');
    assert.deepEqual(states, [{ status: 'PAID', payment_id: PAYMENT_ID, total: 300 }]);
  });

  it('pays an order once, by whichever of the same news comes first', async () => {
    const id = await placeReserved();
    await apply([success(id), success(id)]);
    await apply([success(id)]);
    assert.deepEqual(await orderOf(id), { status: 'PAID', reason: null, payment_id: PAYMENT_ID });
    assert.deepEqual(await outboxOf(id), ['mail.order-paid', 'order.expiry', 'order.paid']);
  });

  it('pays an order whose expiry is due when the money was captured in time, and ends it when it was not', async () => {
    const [inTime, late] = [await placeReserved(), await placeReserved()];
    await data.query(`UPDATE orders SET expires_at = now() - interval '1 minute' WHERE id IN (:inTime, :late)`, {
      inTime,
      late,
    });
    await apply([success(inTime, at(-2 * MINUTE_MS)), success(late)]);
    assert.equal((await orderOf(inTime))?.status, 'PAID');
    assert.deepEqual(await orderOf(late), { status: 'CANCELLED', reason: 'PAYMENT_EXPIRED', payment_id: null });
    assert.deepEqual(await outboxOf(late), ['mail.order-cancelled', 'order.cancelled']);
    const waiting = await data.query(`SELECT 1 FROM order_timers WHERE order_id = :late AND state = 'waiting'`, {
      late,
    });
    assert.equal(waiting.length, 0);
  });

  it('leaves an order PENDING whose payment failed, with the reason in its history, and lets the next pay it', async () => {
    const id = await placeReserved();
    await apply([failed(id)]);
    assert.equal((await orderOf(id))?.status, 'PENDING');
    assert.deepEqual(await outboxOf(id), []);
    await apply([failed(id), success(id)]);
    const history = await historyOf(id);
    assert.deepEqual(
      history.slice(-3).map(({ type, reason, to_status }) => [type, reason, to_status]),
      [
        ['payment.failed', 'CARD_DECLINED', null],
        ['payment.failed', 'CARD_DECLINED', null],
        ['order.paid', null, 'PAID'],
      ],
    );
  });

  it('tells the customer when money went back for an order that was refunded or cancelled', async () => {
    for (const status of ['REFUNDED', 'CANCELLED']) {
      const id = await placeReserved();
      await data.query('UPDATE orders SET status = :status WHERE id = :id', { id, status });
      await apply([success(id), refunded(id)]);
      assert.equal((await orderOf(id))?.status, status);
      assert.deepEqual(await outboxOf(id), ['mail.refund']);
      const last = (await historyOf(id)).at(-1);
      assert.deepEqual(last, { type: 'payment.refunded', reason: null, from_status: null, to_status: null });
    }
  });

  it('tells the customer that a second payment went back, not the order', async () => {
    const id = await placeReserved();
    await apply([success(id)]);
    const second = { ...about(id), ...money, payment_id: PAYMENT_ID + 1, refunded_at: at() };
    await apply([{ type: 'payment.refunded', data: { ...second, cause: 'payment.superseded' } }]);
    assert.equal((await orderOf(id))?.status, 'PAID');
    const [mail] = await data.query<{ second: boolean }>(
      `SELECT CAST(payload AS jsonb) -> 'is_second_payment' AS second FROM outbox
       WHERE type = 'mail.refund' AND subject = :id`,
      { id: String(id) },
    );
    assert.equal(mail?.second, true);
  });

  it('does it once for each event, and nothing for orders that are not there', async () => {
    const id = await placeReserved();
    await data.query(`UPDATE orders SET status = 'REFUNDED' WHERE id = :id`, { id });
    const { type, data: facts } = refunded(id);
    const event = { id: 'one', type, source: '/payment', subject: String(id), time: at(), data: facts, attempt: 1 };
    for (let delivery = 0; delivery < 3; delivery += 1) {
      await data.db.transaction(async (tx) => {
        const fresh = await filterNew(tx, 'order-payment', [event, event]);
        await applyPayments(tx, fresh.length > 0 ? [refunded(id)] : []);
      });
    }
    await apply([success(999_999), failed(999_999), refunded(999_999)]);
    assert.deepEqual(await outboxOf(id), ['mail.refund']);
    assert.deepEqual(await data.query('SELECT 1 FROM order_events WHERE order_id = 999999'), []);
  });
});
