/**
 * Brings orders of the real service into the states of the saga, lets its events happen at their real entrances, and tells what came
 * of them. What the service puts into its outbox is copied by a trigger, since the relay takes the rows away within milliseconds.
 */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { eventually, type SagaEvent, type SagaState } from '@punctual/testing';
import { DECLINED_CARD } from './play-payment-service.ts';
import { type Customer, type RunningOrder, startOrder } from './running-order.ts';

const LAMP = { id: 1, name: 'Lamp', priceMinor: 2_500, quantity: 1_000_000 };
const DECLINED = { type: 'card', number: DECLINED_CARD, exp_month: 12, exp_year: 2_099, cvc: '123' };
const PATIENCE = { timeoutMs: 20_000, intervalMs: 50 };
const FIRST_FOREIGN_PAYMENT = 1_000_000;
const MONEY = { amount_minor: LAMP.priceMinor, currency: 'USD' };

export type Subject = { readonly id: number; readonly paymentId: number; readonly expiresAt: Date };
export type Effects = {
  /** Of orders on Kafka, in their order. */
  readonly events: readonly string[];
  readonly mails: readonly string[];
  readonly timeline: readonly string[];
};
export type SagaDrive = Awaited<ReturnType<typeof startSagaDrive>>;

export async function startSagaDrive(label: string) {
  const shop = await startOrder(label, {
    SWEEP_INTERVAL: '50ms',
    SWEEP_GRACE: '1ms',
    ORDER_MAX_OPEN: '0',
  });
  shop.stock.policy = 'silent';
  shop.productService.products.set(LAMP.id, LAMP);
  await shop.query(
    'CREATE TABLE told (position bigint GENERATED ALWAYS AS IDENTITY, subject text, destination text, type text)',
  );
  await shop.query(`
    CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      INSERT INTO told (subject, destination, type) VALUES (NEW.subject, NEW.destination, NEW.type);
      RETURN NULL;
    END $$`);
  await shop.query('CREATE TRIGGER tell AFTER INSERT ON outbox FOR EACH ROW EXECUTE FUNCTION tell()');
  const ann = await shop.customer();
  const admin = await shop.customer({ role: 'admin' });
  return { shop, ann, ...doings(shop, ann, admin), ...findings(shop, ann), stop: () => shop.stop() };
}

function doings(shop: RunningOrder, ann: Customer, admin: Customer) {
  let lastPaymentId = FIRST_FOREIGN_PAYMENT;
  const nextPaymentId = (): number => {
    lastPaymentId += 1;
    return lastPaymentId;
  };
  /** Many go on at a time, so one may be asked to try again shortly, and does. */
  const ask = (who: Customer, method: string, path: string, body?: unknown) =>
    eventually(async () => {
      const answer = await who.request<{ id: number }>(method, path, body);
      assert.notEqual(answer.status, 503);
      return answer;
    }, PATIENCE);
  const post = (id: number, what: string, body?: unknown, who = ann) => ask(who, 'POST', `/orders/${id}/${what}`, body);
  const move = (id: number, status: string) => ask(admin, 'PATCH', `/orders/${id}/status`, { status });

  /** Publishes a message so often, and resolves when the service has taken it. */
  async function tell(
    topic: 'stock' | 'payment',
    type: string,
    id: number,
    data: object,
    deliveries = 1,
  ): Promise<void> {
    const eventId = randomUUID();
    const about = { order_id: id, ...(topic === 'stock' ? { levels: [] } : { user_id: ann.userId }) };
    for (let times = 0; times < deliveries; times += 1)
      await shop.publish(topic, type, id, { ...about, ...data }, eventId);
    await eventually(
      async () => {
        const taken = await shop.query('SELECT 1 AS one FROM inbox WHERE event_id = :eventId', { eventId });
        assert.equal(taken.length, 1, `${type} was not taken`);
      },
      { timeoutMs: 20_000 },
    );
  }

  const reserve = (id: number) => tell('stock', 'stock.reserved', id, { reserved_at: now() });
  const reject = (id: number) => tell('stock', 'stock.rejected', id, { missing: [], rejected_at: now() });
  const succeed = (id: number, paymentId: number, capturedAt: Date, deliveries?: number) => {
    const data = { payment_id: paymentId, ...MONEY, captured_at: capturedAt.toISOString() };
    return tell('payment', 'payment.success', id, data, deliveries);
  };
  const fail = (id: number, paymentId: number) =>
    tell('payment', 'payment.failed', id, { payment_id: paymentId, code: 'CARD_DECLINED', failed_at: now() });
  const giveBack = (id: number, paymentId: number) => {
    const data = { payment_id: paymentId, ...MONEY, cause: 'order.cancelled', refunded_at: now() };
    return tell('payment', 'payment.refunded', id, data);
  };

  /** Sets the instant of the order's waiting timers back, and resolves when those have been looked at. */
  async function bringDue(id: number, kind: `reminder-${number}` | 'expiry'): Promise<void> {
    const setBack = (orderId: number, timer: string) =>
      shop.query<{ state: string }>(
        `UPDATE order_timers SET due_at = now() - interval '1 second' WHERE order_id = :orderId AND kind = :timer
         RETURNING state`,
        { orderId, timer },
      );
    if (kind === 'expiry') await passExpiry(id);
    const [before] = await setBack(id, kind);
    // Of a timer that waits no more nothing is to be seen, so another order's tells that the sweeper has been here.
    const canary = before?.state === 'waiting' ? id : await place();
    if (canary !== id) await setBack(canary, 'expiry');
    await eventually(
      async () => {
        const waiting = await shop.query(
          `SELECT kind FROM order_timers WHERE order_id IN (:id, :canary) AND state = 'waiting' AND due_at <= now()`,
          { id, canary },
        );
        assert.deepEqual(waiting, []);
      },
      { timeoutMs: 20_000 },
    );
  }

  async function passExpiry(id: number): Promise<void> {
    await shop.query(`UPDATE orders SET expires_at = now() - interval '1 second' WHERE id = :id`, { id });
  }

  async function payOverdue(id: number) {
    await passExpiry(id);
    await shop.query(
      `UPDATE order_timers t SET due_at = o.expires_at FROM orders o
       WHERE o.id = t.order_id AND t.order_id = :id AND t.kind = 'expiry' AND o.status = 'PENDING'`,
      { id },
    );
    return await post(id, 'pay');
  }

  async function place(): Promise<number> {
    const items = [{ product_id: LAMP.id, quantity: 1 }];
    const body = { request_id: randomUUID(), shipping_address: '1 Test Street', items };
    const { status, data } = await ask(ann, 'POST', '/orders', body);
    assert.equal(status, 201);
    return data.id;
  }

  /** The requests by which an order comes from PENDING with its stock reserved into a state. */
  async function lead(id: number, state: SagaState): Promise<void> {
    if (state === 'CANCELLED') await post(id, 'cancel');
    if (state.startsWith('PENDING') || state === 'CANCELLED') return;
    await post(id, 'pay');
    const steps = ['confirmed', 'shipped', 'delivered'];
    const last = { 'PAID, confirmed': 1, 'PAID, shipped': 2, COMPLETED: 3 }[String(state)] ?? 0;
    for (const step of steps.slice(0, last)) await move(id, step);
    if (state === 'REFUNDED') await post(id, 'refund', undefined, admin);
  }

  return {
    place,
    tell,
    reserve,
    reject,
    succeed,
    fail,
    giveBack,
    bringDue,
    move,
    nextPaymentId,
    pay: (id: number) => post(id, 'pay'),
    payDeclined: (id: number) => post(id, 'pay', { method: DECLINED }),
    cancel: (id: number) => post(id, 'cancel'),
    refund: (id: number) => post(id, 'refund', undefined, admin),
    async arrange(state: SagaState): Promise<Subject> {
      const id = await place();
      if (state !== 'PENDING, stock pending') await reserve(id);
      await lead(id, state);
      const { expires_at: expiresAt } = await eventually(() => ann.order(id), PATIENCE);
      const paymentId = shop.paymentService.paymentsOf(id)[0]?.id ?? nextPaymentId();
      return { id, paymentId, expiresAt: new Date(expiresAt) };
    },
    /** Resolves to the answer as the table writes it. */
    async apply({ id, paymentId, expiresAt }: Subject, event: SagaEvent): Promise<string> {
      const requests: Partial<Record<SagaEvent, () => ReturnType<typeof post>>> = {
        'customer pays': () => post(id, 'pay'),
        'customer pays, declined': () => post(id, 'pay', { method: DECLINED }),
        'customer pays, overdue': () => payOverdue(id),
        'customer cancels': () => post(id, 'cancel'),
        'admin refunds': () => post(id, 'refund', undefined, admin),
        'admin: confirmed': () => move(id, 'confirmed'),
        'admin: shipped': () => move(id, 'shipped'),
        'admin: delivered': () => move(id, 'delivered'),
      };
      const happenings: Partial<Record<SagaEvent, () => Promise<void>>> = {
        'stock.reserved': () => reserve(id),
        'stock.rejected': () => reject(id),
        'payment.success in time': () => succeed(id, paymentId, new Date(), 2),
        'payment.success late': () => succeed(id, paymentId, new Date(expiresAt.getTime() + 1)),
        'payment.success of another': () => succeed(id, nextPaymentId(), new Date()),
        'payment.failed': () => fail(id, paymentId),
        'payment.refunded': () => giveBack(id, paymentId),
        'payment.refunded of another': () => giveBack(id, nextPaymentId()),
        'reminder due': () => bringDue(id, 'reminder-1'),
        'expiry due': () => bringDue(id, 'expiry'),
      };
      const request = requests[event];
      if (request === undefined) {
        await happenings[event]?.();
        return '–';
      }
      const { status, error } = await request();
      return status < 300 ? String(status) : `${status} ${error.code}`;
    },
  };
}

function findings(shop: RunningOrder, ann: Customer) {
  async function effectsOf(id: number): Promise<Effects> {
    const told = await shop.query<{ destination: string; type: string }>(
      'SELECT destination, type FROM told WHERE subject = :subject ORDER BY position',
      { subject: String(id) },
    );
    const timeline = await shop.query<{ type: string }>(
      'SELECT type FROM order_events WHERE order_id = :id ORDER BY at, id',
      { id },
    );
    return {
      events: told.filter(({ destination }) => destination === 'order').map(({ type }) => type),
      mails: told.filter(({ type }) => type.startsWith('mail.')).map(({ type }) => type),
      timeline: timeline.map(({ type }) => type),
    };
  }

  return {
    effectsOf,
    async stateOf(id: number): Promise<string> {
      const { status, reason, stock, fulfillment } = await eventually(() => ann.order(id), PATIENCE);
      if (status === 'PENDING') return `PENDING, stock ${stock}`;
      if (status === 'PAID') return `PAID, ${fulfillment}`;
      return status === 'CANCELLED' ? `CANCELLED ${reason}` : status;
    },
    async timersOf(id: number): Promise<string> {
      const waiting = await shop.query<{ kind: string }>(
        `SELECT kind FROM order_timers WHERE order_id = :id AND state = 'waiting'`,
        { id },
      );
      const kinds = new Set(waiting.map(({ kind }) => kind.split('-')[0]));
      if (kinds.size === 2) return 'reminders and expiry';
      return [...kinds][0] ?? 'none';
    },
    /** That the brokers carried what the outbox held, and nothing else. */
    async assertCarried(id: number): Promise<void> {
      const { events, mails } = await effectsOf(id);
      await eventually(
        () => {
          assert.deepEqual(shop.eventsOf(id), events);
          assert.deepEqual(
            shop
              .mailsOf(id)
              .map(({ type }) => type)
              .sort(),
            [...mails].sort(),
          );
        },
        { timeoutMs: 20_000 },
      );
    },
  };
}

function now(): string {
  return new Date().toISOString();
}
