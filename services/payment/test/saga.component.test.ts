import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { eventually, SAGA_STATES, type SagaRow, sagaLine, sagaTable } from '@punctual/testing';
import type { PlayedOrder } from './play-order-service.ts';
import { CARDS, type Customer, type RunningPayment, startPayment } from './running-payment.ts';

type OrderEvent = Parameters<RunningPayment['tell']>[0];
type Charge = { payment: number; id: string; key: string; refunds: number };

/** The payment that pays the order, and one that was declined before. */
type Scene = { order: PlayedOrder; paying: number | undefined; declined: number | undefined };

const HAPPENED_TO: Readonly<Record<string, readonly OrderEvent[]>> = {
  PAID: ['order.paid'],
  COMPLETED: ['order.paid', 'order.completed'],
  REFUNDED: ['order.paid', 'order.refunded'],
  CANCELLED: ['order.cancelled'],
};

describe("the money in the saga's table, moved by the payment service", () => {
  const table = sagaTable();
  let shop: RunningPayment;
  let ann: Customer;

  before(async function () {
    this.timeout(60_000);
    // Nothing but what the provider reports settles a payment here.
    shop = await startPayment('payment-saga', { env: { RECONCILE_AFTER: '1h', PROVIDER_TIMEOUT: '20s' } });
    ann = await shop.customer();
  });
  after(() => shop.stop());

  /** What the provider has captured for an order, by its own books. */
  const capturesOf = (order: PlayedOrder) =>
    shop.query<Charge>(
      `SELECT p.id AS payment, c.id, c.idempotency_key AS key,
              CAST((SELECT count(*) FROM sandbox_refunds r WHERE r.charge_id = c.id) AS integer) AS refunds
       FROM payments p JOIN sandbox_charges c ON c.idempotency_key = CAST(p.idempotency_key AS text)
       WHERE p.order_id = :id AND c.outcome = 'captured' ORDER BY p.id`,
      { id: order.id },
    );

  /** Publishes what the order became, and resolves when this service has taken it. */
  async function tell(order: PlayedOrder, type: OrderEvent): Promise<void> {
    const id = randomUUID();
    const about = { order_id: order.id, user_id: ann.userId };
    const at = new Date().toISOString();
    if (type === 'order.cancelled')
      await shop.tell(type, { ...about, reason: 'PAYMENT_EXPIRED', cancelled_at: at }, id);
    if (type === 'order.refunded') await shop.tell(type, { ...about, refunded_at: at }, id);
    if (type === 'order.completed') await shop.tell(type, { ...about, completed_at: at }, id);
    if (type === 'order.paid') {
      await shop.tell(type, { ...about, total_minor: order.totalMinor, currency: 'USD', paid_at: at }, id);
    }
    await eventually(
      async () => {
        assert.equal((await shop.query('SELECT 1 AS one FROM inbox WHERE event_id = :id', { id })).length, 1);
      },
      { timeoutMs: 30_000 },
    );
  }

  /** Many rows pay at a time, so a customer may be asked to try again shortly, and does. */
  async function pay(order: PlayedOrder, card: string): Promise<number> {
    const patience = { timeoutMs: 60_000, intervalMs: 250 };
    const id = await eventually(async () => {
      const { status, data, error } = await ann.create(order.id, card);
      if (error?.code === 'PAYMENT_EXISTS') return (error.details as { payment_id: number }).payment_id;
      assert.equal(status, 201, error?.code);
      return data.id;
    }, patience);
    await eventually(async () => {
      await ann.process(id);
      assert.match((await ann.payment(id)).status, /succeeded|failed/);
    }, patience);
    return id;
  }

  async function report(type: string, payment: number | undefined, fields: object = {}): Promise<void> {
    const [charge] = await shop.query<{ id: string; key: string }>(
      `SELECT c.id, c.idempotency_key AS key FROM sandbox_charges c
       JOIN payments p ON CAST(p.idempotency_key AS text) = c.idempotency_key WHERE p.id = :id`,
      { id: payment ?? 0 },
    );
    if (charge === undefined) return;
    const about = type === 'refund.succeeded' ? { refund_id: 're_1' } : { idempotency_key: charge.key };
    const data = { charge_id: charge.id, created_at: new Date().toISOString(), ...about, ...fields };
    for (let times = 0; times < 2; times += 1) assert.equal(await shop.webhook({ id: 'evt', type, data }), 200);
  }

  /** The provider says that it took the money of a payment that it had declined. */
  async function takeBackDecline({ declined }: Scene): Promise<void> {
    await shop.query(
      `UPDATE sandbox_charges SET outcome = 'captured', decline_code = NULL
       WHERE idempotency_key = (SELECT CAST(idempotency_key AS text) FROM payments WHERE id = :id)`,
      { id: declined ?? 0 },
    );
    await report('charge.succeeded', declined);
  }

  async function arrange({ state, event }: SagaRow): Promise<Scene> {
    const order = shop.orderService.place(ann.userId);
    const [status = ''] = state.split(',');
    const isCaptured = ['PAID', 'COMPLETED', 'REFUNDED'].includes(status);
    const isReported = event.startsWith('payment.') && event !== 'payment.failed';
    const isLate =
      event.endsWith('of another') || (isReported && status === 'CANCELLED') || event === 'payment.refunded';
    const declined = isLate ? await pay(order, CARDS.decline) : undefined;
    const paying = isCaptured ? await pay(order, CARDS.approve) : undefined;
    for (const type of HAPPENED_TO[status] ?? []) await tell(order, type);
    return { order, paying, declined };
  }

  async function apply(row: SagaRow, scene: Scene): Promise<void> {
    const { event, answer, state } = row;
    const { order, paying, declined } = scene;
    if (event === 'customer pays' && answer === '200') await pay(order, CARDS.approve);
    if (answer === '409 PAYMENT_FAILED') await pay(order, CARDS.decline);
    if (event === 'payment.failed') {
      if (paying === undefined && state !== 'CANCELLED') await pay(order, CARDS.decline);
      await report('charge.failed', paying, { decline_code: 'CARD_DECLINED' });
    }
    if (event.startsWith('payment.success')) {
      if (declined !== undefined) await takeBackDecline(scene);
      else if (paying === undefined) await pay(order, CARDS.approve);
      else await report('charge.succeeded', paying);
    }
    if (event.startsWith('payment.refunded')) {
      // Another payment is about to be made, so the one that was declined has lost its place.
      if (state.startsWith('PENDING')) {
        await eventually(async () => assert.equal((await ann.create(order.id, CARDS.approve)).status, 201));
      }
      if (paying !== undefined && event === 'payment.refunded') await report('refund.succeeded', paying);
      else await takeBackDecline(scene);
    }
    for (const type of row.events) if (type !== 'order.status_changed') await tell(order, type as OrderEvent);
  }

  async function moneyOf({ next, state }: SagaRow, { order }: Scene): Promise<string> {
    await eventually(
      async () => {
        const open = await shop.query('SELECT id FROM payments WHERE order_id = :id AND check_at IS NOT NULL', {
          id: order.id,
        });
        assert.deepEqual(open, []);
      },
      { timeoutMs: 30_000 },
    );
    const captures = await capturesOf(order);
    const back = captures.filter(({ refunds }) => refunds === 1);
    const told = () => shop.eventsOf(order.id).filter((type) => type === 'payment.refunded').length;
    await eventually(() => assert.equal(told(), back.length), { timeoutMs: 30_000 });
    if (captures.length === 0) return 'none';
    if (captures.length === back.length) return 'back';
    if (captures.length === 2 && back.length === 1) return 'kept, other back';
    if (captures.some(({ refunds }) => refunds > 0)) return JSON.stringify(captures);
    return (next === 'same' ? state : next).startsWith('PENDING') ? 'held' : 'kept';
  }

  for (const state of SAGA_STATES) {
    it(`is true of an order that is ${state}`, async function () {
      this.timeout(120_000);
      const rows = table.filter((row) => row.state === state);
      const done = await Promise.all(
        rows.map(async (row) => {
          const scene = await arrange(row);
          await apply(row, scene);
          return { ...row, money: await moneyOf(row, scene) };
        }),
      );
      assert.deepEqual(done.map(sagaLine), rows.map(sagaLine));
    });
  }
});
