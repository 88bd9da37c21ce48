import assert from 'node:assert/strict';
import type { orderApi, paymentApi, productApi } from '@punctual/contracts';
import { type Customer, eventually, expectStatus } from '@punctual/testing';
import { type Attempt, CARDS, cardOf, payThroughOrders, payThroughPayments, tally } from './pay-attempts.ts';
import { type Ledger, type OwnedOrder, openLedger } from './payment-books.ts';
import { newCustomers, newProduct, orderBecomes, placedOrder, platformAt, quantityBecomes } from './platform.ts';

/** A day of the shop's calendar lasts sixteen seconds. */
const SCALE = 5_400;
const SLOW_CARD_MS = 3_000;
const ATTEMPTS = 200;
const PIECES = 50;
/** Definite answers to an attempt, by the contract. */
const LEGAL = ['200 ', '409 ILLEGAL_TRANSITION', '409 PAYMENT_EXISTS'];
/**
 * What may be said on the way to it. 502 is HAProxy's own word for a gateway that broke off, which it also is when it was too busy to
 * answer HAProxy's health checks; like 503 it carries Retry-After and leaves the outcome open. 504 is a call between services that took
 * longer than it may.
 */
const LEGAL_STATUSES = [200, 201, 409, 429, 502, 503, 504];

/** Between bursts, whose orders are placed well before. */
const GAP_MS = 2_500;
/** The slow card is shown so long before the expiry, which a busy machine needs to take it; the money is taken after it. */
const SLOW_LEAD_MS = SLOW_CARD_MS - 500;
const MAX_TRIES = 3;

type Burst = { readonly leadMs: () => number; readonly card: string };
type Round = OwnedOrder & { readonly attempts: readonly Attempt[]; readonly isStraddling: boolean };

describe(`${ATTEMPTS} parallel attempts to pay one order while its expiry strikes`, function () {
  this.timeout(180_000);
  let ledger: Ledger;
  let product: productApi.ProductView;
  let customers: Customer[];
  let rounds: Round[] = [];
  const underWay: Promise<unknown>[] = [];
  /** How long the first success takes from the start of a burst; each burst measures it for the next. */
  let captureMs = 500;

  before(async () => {
    await platformAt(SCALE);
    ledger = await openLedger();
    product = await newProduct(PIECES);
    customers = await newCustomers(6);
  });
  after(() => ledger.close());

  it('are all answered when they come long before it', async () => {
    rounds = [await play({ leadMs: () => Number.POSITIVE_INFINITY, card: CARDS.approve })];
  });

  it('are all answered when the capture comes before it, with it, after it, and when they come after it', async () => {
    const bursts = [
      { leadMs: () => SLOW_LEAD_MS, card: CARDS.slow },
      { leadMs: () => captureMs, card: CARDS.approve },
      { leadMs: () => captureMs * 0.6, card: CARDS.approve },
      { leadMs: () => captureMs * 0.3, card: CARDS.approve },
      { leadMs: () => -20, card: CARDS.approve },
    ];
    const startedMs = Date.now();
    const played = bursts.map(async (one, index) => {
      await instant(() => startedMs + index * GAP_MS);
      return await play(one);
    });
    rounds.push(...(await Promise.all(played)));
  });

  it('capture once at most; the state is legal, and ledger, mails and stock agree with it', async () => {
    await Promise.all(underWay);
    const books = await ledger.balanced(rounds, ['COMPLETED', 'CANCELLED']);
    const kept = books.filter(({ order }) => order.status === 'COMPLETED');
    await quantityBecomes(product.id, PIECES - kept.length);
    for (const [index, { order }] of books.entries()) {
      const { attempts = [] } = rounds[index] ?? {};
      const wasTold = attempts.some(({ way, status }) => way !== 'payments' && status === 200);
      if (wasTold) assert.equal(order.status, 'COMPLETED', `order ${order.id} was answered as paid`);
      if (order.status === 'CANCELLED') assert.equal(order.reason, 'PAYMENT_EXPIRED');
    }

    const ends = books.map(({ order, refunds }) => (refunds > 0 ? `${order.status}, refunded` : order.status));
    const seen = JSON.stringify({ ends, straddling: rounds.map(({ isStraddling }) => isStraddling), captureMs });
    assert.equal(ends[0], 'COMPLETED', seen);
    assert.equal(ends.at(-1), 'CANCELLED', seen);
    assert.ok(ends.includes('CANCELLED, refunded'), seen);
    assert.ok(rounds.filter(({ isStraddling }) => isStraddling).length >= rounds.length / 2, seen);
  });

  /**
   * Begins a payment that nobody waits for: the burst meets it under way. False when the order has expired meanwhile, on a machine
   * that was busy for seconds.
   */
  async function show(owner: Customer, { id: orderId }: orderApi.OrderView, number: string): Promise<boolean> {
    const body = { order_id: orderId, method: cardOf(number) };
    const created = await owner.request<paymentApi.PaymentView>('POST', '/payments', { body });
    if (created.status === 409) return false;
    const { id } = expectStatus(created, 201);
    const processed = owner.request('POST', `/payments/${id}/process`);
    underWay.push(processed);
    const isUnderWay = ledger.paymentBecomes(id, 'processing').then(() => true);
    return await Promise.race([isUnderWay, processed.then(({ status }) => status !== 409)]);
  }

  /** A reserved order whose expiry is `leadMs` away, with the slow card under way if that is what pays it. */
  async function orderBeforeExpiry(owner: Customer, { leadMs, card }: Burst) {
    const items = [{ product_id: product.id, quantity: 1 }];
    for (let tries = 1; tries <= MAX_TRIES; tries += 1) {
      const order = await placedOrder(owner, items);
      await orderBecomes(owner, order.id, { stock: 'reserved' });
      const expiresMs = Date.parse(order.expires_at);
      await instant(() => expiresMs - leadMs());
      const startedMs = Date.now();
      if (card !== CARDS.slow || (await show(owner, order, card))) return { order, expiresMs, startedMs };
    }
    throw new Error(`the slow card came after the expiry ${MAX_TRIES} times`);
  }

  /** Places an order and has everybody pay it, `leadMs` before its expiry. */
  async function play(burstOf: Burst): Promise<Round> {
    const { card } = burstOf;
    const owner = customers.pop();
    assert.ok(owner);
    const { order, expiresMs, startedMs } = await orderBeforeExpiry(owner, burstOf);
    const attempts = await burst(owner, order, card);
    const answers = JSON.stringify(tally(attempts));
    for (const { status, code = '', statuses } of attempts) {
      assert.ok(LEGAL.includes(`${status} ${code}`), answers);
      const isLegal = statuses.every((one) => LEGAL_STATUSES.includes(one));
      assert.ok(isLegal, `${statuses.join()}: ${answers}`);
    }
    const paidMs = attempts.filter(({ status }) => status === 200).map(({ answeredMs }) => answeredMs - startedMs);
    if (card === CARDS.approve && paidMs.length > 0) captureMs = Math.min(...paidMs);
    const endedMs = Math.max(...attempts.map(({ answeredMs }) => answeredMs));
    return { id: order.id, owner, attempts, isStraddling: startedMs < expiresMs && endedMs > expiresMs };
  }
});

/** All at once, half of them through the payments and half through the order. */
function burst(owner: Customer, { id }: orderApi.OrderView, card: string): Promise<Attempt[]> {
  return Promise.all(
    Array.from({ length: ATTEMPTS }, (_, index) => {
      if (index % 2 === 0) return payThroughPayments(owner, id, card);
      return payThroughOrders(owner, id, card, index % 4 === 1 ? 'orders' : 'orders by reference');
    }),
  );
}

async function instant(atMs: () => number): Promise<void> {
  await eventually(() => assert.ok(Date.now() >= atMs()), { timeoutMs: 60_000, intervalMs: 5 });
}
