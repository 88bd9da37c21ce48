import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { eventually } from '@punctual/testing';
import { CARDS, type Customer, type RunningPayment, startPayment, WEBHOOK_SECRET } from './running-payment.ts';

const FIVE_MINUTES_MS = 300_000;

describe('webhooks of the provider', () => {
  let shop: RunningPayment;
  let ann: Customer;

  before(async function () {
    this.timeout(60_000);
    // Nothing but a webhook can settle a payment here.
    shop = await startPayment('webhooks', { env: { RECONCILE_AFTER: '1h' } });
    ann = await shop.customer();
  });
  after(() => shop.stop());

  type Charge = { id: string; key: string };

  /** A payment whose capture has lost its answer, and the charge in the provider's books. */
  async function lostPayment() {
    const order = shop.orderService.place(ann.userId);
    const { data } = await ann.pay(order, CARDS.lostCaptured);
    assert.equal(data.status, 'processing');
    const [charge] = await shop.query<Charge>(
      `SELECT c.id, c.idempotency_key AS key FROM sandbox_charges c
       JOIN payments p ON CAST(p.idempotency_key AS text) = c.idempotency_key WHERE p.id = :id`,
      { id: data.id },
    );
    assert.ok(charge);
    return { order, id: data.id, charge };
  }

  const succeeded = ({ id, key }: Charge) => ({
    id: 'evt_1',
    type: 'charge.succeeded',
    data: { charge_id: id, idempotency_key: key, created_at: new Date().toISOString() },
  });
  const failed = ({ id, key }: Charge) => ({
    id: 'evt_2',
    type: 'charge.failed',
    data: {
      charge_id: id,
      idempotency_key: key,
      decline_code: 'CARD_DECLINED',
      created_at: new Date().toISOString(),
    },
  });
  const refunded = ({ id }: Charge) => ({
    id: 'evt_3',
    type: 'refund.succeeded',
    data: { charge_id: id, refund_id: 're_1', created_at: new Date().toISOString() },
  });

  it('settle a payment whose answer was lost; replayed they are taken and change nothing', async () => {
    const { order, id, charge } = await lostPayment();
    const at = new Date();
    for (let times = 0; times < 3; times += 1) assert.equal(await shop.webhook(succeeded(charge), {}, at), 200);
    const payment = await ann.payment(id);
    assert.equal(payment.status, 'succeeded');
    await eventually(() => assert.deepEqual(shop.eventsOf(order.id), ['payment.success']));
    assert.equal((await ann.payment(id)).updated_at, payment.updated_at);
  });

  it('are refused without a signature, with a wrong one, with one for another body, and with one of another time', async () => {
    const { id, charge } = await lostPayment();
    const event = succeeded(charge);
    const mac = '0'.repeat(64);
    assert.equal(await shop.webhook(event, { 'punctual-signature': '' }), 401);
    assert.equal(
      await shop.webhook(event, { 'punctual-signature': `t=${Math.floor(Date.now() / 1_000)},v1=${mac}` }),
      401,
    );
    for (const shiftMs of [-FIVE_MINUTES_MS - 2_000, FIVE_MINUTES_MS + 2_000])
      assert.equal(await shop.webhook(event, {}, new Date(Date.now() + shiftMs)), 401);
    assert.equal((await ann.payment(id)).status, 'processing');
  });

  it('that come out of order, or contradict what is final, change nothing', async () => {
    const { order, id, charge } = await lostPayment();
    assert.equal(await shop.webhook(refunded(charge)), 200);
    assert.equal((await ann.payment(id)).status, 'processing');
    assert.equal(await shop.webhook(succeeded(charge)), 200);
    assert.equal(await shop.webhook(failed(charge)), 200);
    assert.equal(await shop.webhook(refunded(charge)), 200);
    assert.equal((await ann.payment(id)).status, 'succeeded');
    await eventually(() => assert.deepEqual(shop.eventsOf(order.id), ['payment.success']));
    assert.match(await shop.metrics(), /payment_contradictions_total\{service="payment"\} 1/);
  });

  it('about nothing that is known here, or that cannot be read, are taken and ignored', async () => {
    assert.equal(await shop.webhook(succeeded({ id: 'ch_none', key: 'none' })), 200);
    assert.equal(await shop.webhook({ id: 'evt_4', type: 'payout.paid', data: {} }), 200);
    assert.equal(await shop.webhook('not JSON'), 401);
    const other = await fetch(`${shop.url}/payments/webhooks/elsewhere`, { method: 'POST', body: '{}' });
    assert.equal(other.status, 404);
    const large = await fetch(`${shop.url}/payments/webhooks/sandbox`, { method: 'POST', body: 'x'.repeat(100_000) });
    assert.equal(large.status, 413);
  });
});

describe('the sandbox', () => {
  it('tells by signed webhook what it did, until it is heard, and so settles a lost answer', async function () {
    this.timeout(60_000);
    let target = '';
    let refusals = 0;
    // The public route in front of the service: it is away at first.
    const door = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(Buffer.from(chunk));
      if (refusals < 2) {
        refusals += 1;
        response.writeHead(503).end();
        return;
      }
      const signature = String(request.headers['punctual-signature']);
      const passed = await fetch(`${target}/payments/webhooks/sandbox`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'punctual-signature': signature },
        body: Buffer.concat(chunks),
      });
      response.writeHead(passed.status).end();
    });
    door.listen(0, '127.0.0.1');
    await once(door, 'listening');
    const address = door.address();
    assert.ok(address !== null && typeof address !== 'string');
    const env = {
      RECONCILE_AFTER: '1h',
      WEBHOOK_URL: `http://127.0.0.1:${address.port}`,
      SANDBOX_WEBHOOK_SECRET: WEBHOOK_SECRET,
    };
    const shop = await startPayment('sandbox-webhooks', { env });
    try {
      target = shop.url;
      const ann = await shop.customer();
      const { data } = await ann.pay(shop.orderService.place(ann.userId), CARDS.lostCaptured);
      assert.equal(data.status, 'processing');
      await eventually(async () => assert.equal((await ann.payment(data.id)).status, 'succeeded'), {
        timeoutMs: 15_000,
      });
      assert.equal(refusals, 2);
      await eventually(async () => assert.deepEqual(await shop.query('SELECT id FROM sandbox_webhooks'), []));
    } finally {
      await shop.stop();
      door.close();
      door.closeAllConnections();
    }
  });
});
