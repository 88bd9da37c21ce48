import assert from 'node:assert/strict';
import { eventually } from '@punctual/testing';
import { CardRefused, type PaymentProvider, ProviderUnavailable } from '../src/providers/provider.ts';
import { CARDS, type Customer, type RunningPayment, startPayment } from './running-payment.ts';

describe('while the provider is away', () => {
  let shop: RunningPayment;
  let ann: Customer;
  const state = { isAway: false, refusesCards: false, calls: 0 };

  /** Refuses every call, as a provider does whose address answers to nobody. */
  function awayAtTimes(provider: PaymentProvider): PaymentProvider {
    const check = (): void => {
      state.calls += 1;
      if (state.isAway) throw new ProviderUnavailable('connection refused');
    };
    return {
      name: provider.name,
      assertTakes: (amount) => provider.assertTakes(amount),
      async tokenize(card, signal) {
        check();
        if (state.refusesCards) throw new CardRefused('no such card');
        return await provider.tokenize(card, signal);
      },
      async capture(request, signal) {
        check();
        return await provider.capture(request, signal);
      },
      async lookup(request, signal) {
        check();
        return await provider.lookup(request, signal);
      },
      async refund(request, signal) {
        check();
        return await provider.refund(request, signal);
      },
      verifyWebhook: (rawBody, headers, now) => provider.verifyWebhook(rawBody, headers, now),
    };
  }

  before(async function () {
    this.timeout(60_000);
    const env = { PROVIDER_BREAK_AFTER: '3', CIRCUIT_BREAKER_TIMEOUT: '4s' };
    shop = await startPayment('provider-outage', { env, wrapProvider: awayAtTimes });
    ann = await shop.customer();
  });
  after(() => shop.stop());

  it('answers 503 with when to come back, soon without asking at all; the payment stays pending and is taken afterwards', async function () {
    this.timeout(40_000);
    const order = shop.orderService.place(ann.userId);
    const { data } = await ann.create(order.id, CARDS.approve);
    state.isAway = true;
    for (let attempt = 0; attempt < 6; attempt += 1) {
      const { status, error, headers } = await ann.process(data.id);
      assert.deepEqual([status, error.code], [503, 'UNAVAILABLE']);
      assert.ok(Number(headers.get('retry-after')) >= 1);
      assert.equal((await ann.payment(data.id)).status, 'pending');
    }
    const callsOfCaptures = state.calls - 1;
    assert.equal(callsOfCaptures, 3);
    assert.match(await shop.metrics(), breakerIs(2));
    assert.deepEqual(await shop.dependencies(), { 'payment provider': 'open', order: 'closed' });
    const refused = await ann.create(shop.orderService.place(ann.userId).id, CARDS.approve);
    assert.deepEqual([refused.status, refused.error.code], [503, 'UNAVAILABLE']);

    state.isAway = false;
    await eventually(async () => assert.equal((await ann.process(data.id)).data?.status, 'succeeded'), {
      intervalMs: 200,
      timeoutMs: 20_000,
    });
    assert.equal((await ann.create(shop.orderService.place(ann.userId).id, CARDS.approve)).status, 201);
    assert.equal((await ann.create(shop.orderService.place(ann.userId).id, CARDS.approve)).status, 201);
    assert.match(await shop.metrics(), breakerIs(0));
    assert.deepEqual(await shop.dependencies(), { 'payment provider': 'closed', order: 'closed' });
    await eventually(() => assert.deepEqual(shop.eventsOf(order.id), ['payment.success']));
  });

  it('but cards that it refuses are no outage: 400, and the breaker stays closed', async () => {
    state.refusesCards = true;
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const { status, error } = await ann.create(shop.orderService.place(ann.userId).id, CARDS.approve);
      assert.deepEqual([status, error.code], [400, 'VALIDATION_FAILED']);
    }
    state.refusesCards = false;
    assert.equal((await ann.pay(shop.orderService.place(ann.userId))).data.status, 'succeeded');
  });

  it('leaves alone what another provider began', async () => {
    const { data } = await ann.create(shop.orderService.place(ann.userId).id, CARDS.approve);
    await shop.query(`UPDATE payments SET provider = 'elsewhere' WHERE id = :id`, { id: data.id });
    assert.equal((await ann.process(data.id)).status, 503);
    assert.equal((await ann.payment(data.id)).status, 'pending');
  });

  it('a refund that is wanted waits, and is carried out once it is back', async function () {
    this.timeout(30_000);
    const admin = await shop.customer({ role: 'admin' });
    const order = shop.orderService.place(ann.userId);
    const { data } = await ann.pay(order);
    order.status = 'PAID';
    state.isAway = true;
    const answer = await admin.request('POST', `/payments/${data.id}/refund`, {});
    assert.equal(answer.status, 503);
    assert.equal(order.status, 'REFUNDED');
    assert.equal((await ann.payment(data.id)).status, 'succeeded');
    state.isAway = false;
    await eventually(async () => assert.equal((await ann.payment(data.id)).status, 'refunded'), { timeoutMs: 20_000 });
    await eventually(() => assert.deepEqual(shop.eventsOf(order.id), ['payment.success', 'payment.refunded']));
    assert.equal((await shop.query('SELECT id FROM sandbox_refunds')).length, 1);
  });
});

function breakerIs(state: number): RegExp {
  return new RegExp(`^circuit_breaker_state\\{[^}]*dependency="payment provider"[^}]*\\} ${state}$`, 'm');
}
