import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { orderApi, paymentApi, productApi } from '@punctual/contracts';
import { type Answer, type Customer, eventually, expectStatus } from '@punctual/testing';
import { CARDS, cardOf, payThroughOrders, payThroughPayments, tally } from './pay-attempts.ts';
import { type Ledger, type OrderBooks, type OwnedOrder, openLedger } from './payment-books.ts';
import {
  admin,
  mapWithLimit,
  newCustomers,
  newProduct,
  orderBecomes,
  placedOrder,
  platformAt,
  platformReady,
  quantityBecomes,
  servicesWith,
  stack,
} from './platform.ts';

const PAYMENTS = 100;
const CUSTOMERS = 10;
const IN_PARALLEL = 20;
/** A kill strikes whenever so many payments have been answered. */
const STRIKES_AT = [10, 40, 70];

type Status = orderApi.OrderView['status'];

/** Where the process dies, the second point being reached by what follows up on the first, and what becomes of the order. */
const DEATHS: readonly { readonly points: readonly string[]; readonly ends: Status }[] = [
  { points: ['before-capture'], ends: 'PENDING' },
  { points: ['after-capture', 'before-capture-commit', 'after-capture-commit'], ends: 'PAID' },
  { points: ['before-refund'], ends: 'REFUNDED' },
  // What comes after it may be done by the provider's webhook as well, so no later point is sure to be reached.
  { points: ['after-refund'], ends: 'REFUNDED' },
];

describe('kill -9 of payment', function () {
  this.timeout(300_000);
  const folder = mkdtempSync(join(tmpdir(), 'crash-points-'));
  const pointsFile = join(folder, 'points');
  let ledger: Ledger;
  let product: productApi.ProductView;
  let customers: Customer[];
  let piecesLeft = PAYMENTS + DEATHS.length;

  before(async () => {
    // The service may run under another account.
    chmodSync(folder, 0o777);
    setPoints([]);
    await platformAt(1);
    await servicesWith({
      payment: {
        NODE_OPTIONS: `--import=${join(import.meta.dirname, 'crash-point.ts')}`,
        CRASH_POINTS_FILE: pointsFile,
        PROVIDER_TIMEOUT: '1500ms',
        RECONCILE_AFTER: '2s',
      },
    });
    ledger = await openLedger();
    product = await newProduct(piecesLeft);
    customers = await newCustomers(CUSTOMERS);
  });
  after(async () => {
    await ledger.close();
    await servicesWith({});
    rmSync(folder, { recursive: true });
  });

  it('at each of its crash points, in a request and in what follows up on it: each order is charged once or not at all', async () => {
    const boss = await admin();
    const orders: OwnedOrder[] = [];
    for (const { points, ends } of DEATHS) {
      const order = await reservedOrder(orders.length);
      orders.push(order);
      const { id, owner } = order;
      if (ends === 'REFUNDED') {
        const { payment } = await onceBack(() => owner.pay(id, cardOf(CARDS.approve)), 200);
        setPoints(points);
        await dies(boss.request('POST', `/payments/${payment.id}/refund`, { body: {} }));
      } else {
        const body = { order_id: id, method: cardOf(CARDS.approve) };
        const created = await onceBack(() => owner.request<paymentApi.PaymentView>('POST', '/payments', { body }), 201);
        setPoints(points);
        await dies(owner.request('POST', `/payments/${created.id}/process`));
      }
      await eventually(() => assert.equal(readFileSync(pointsFile, 'utf8'), '', `not reached of ${points.join()}`), {
        timeoutMs: 60_000,
        intervalMs: 50,
      });
      await platformReady();
    }
    const books = await ledger.balanced(orders, ['PENDING', 'PAID', 'REFUNDED']);
    assert.deepEqual(
      books.map(({ order }) => order.status),
      DEATHS.map(({ ends }) => ends),
    );
    await stockAgrees(books);
  });

  it(`again and again during ${PAYMENTS} payments: each order is charged once or not at all, and agrees`, async () => {
    const orders = await mapWithLimit(Array.from({ length: PAYMENTS }), IN_PARALLEL, (_, index) =>
      reservedOrder(index),
    );
    const kills: Promise<void>[] = [];
    let answered = 0;
    const attempts = await mapWithLimit(orders, IN_PARALLEL, async ({ id, owner }, index) => {
      const pay = index % 2 === 0 ? payThroughPayments : payThroughOrders;
      const attempt = await pay(owner, id, CARDS.approve);
      answered += 1;
      if (STRIKES_AT.includes(answered)) kills.push(killWhenRunning());
      return attempt;
    });
    await Promise.all(kills);
    const answers = JSON.stringify(tally(attempts));
    assert.ok(!attempts.some(({ statuses }) => statuses.includes(500)), answers);
    const books = await ledger.balanced(orders, ['PENDING', 'PAID']);
    for (const [index, { order }] of books.entries()) {
      // A capture that never reached the provider fails, which its customer is told. One that did may be booked before
      // the customer, whose answer the kill swallowed, asks again: then the order is past being paid.
      const { way, status, code, statuses = [] } = attempts[index] ?? {};
      const isPaid = status === 200 || (code === 'ILLEGAL_TRANSITION' && statuses.length > 1);
      if (way === 'orders') assert.equal(order.status, isPaid ? 'PAID' : 'PENDING', answers);
    }
    await stockAgrees(books);
  });

  /** On a busy machine the next strike may come before supervisord has started it again. */
  function killWhenRunning(): Promise<void> {
    return eventually(() => stack('kill', 'payment'), { timeoutMs: 30_000 });
  }

  function setPoints(points: readonly string[]): void {
    writeFileSync(pointsFile, points.join('\n'));
    chmodSync(pointsFile, 0o666);
  }

  async function reservedOrder(index: number): Promise<OwnedOrder> {
    const owner = customers[index % customers.length];
    assert.ok(owner);
    const items = [{ product_id: product.id, quantity: 1 }];
    const { id } = await placedOrder(owner, items);
    await orderBecomes(owner, id, { stock: 'reserved' }, { timeoutMs: 60_000 });
    return { id, owner };
  }

  /** A pending order keeps its reservation; a refunded one has given it back. */
  async function stockAgrees(books: readonly OrderBooks[]): Promise<void> {
    piecesLeft -= books.filter(({ order }) => order.status !== 'REFUNDED').length;
    await quantityBecomes(product.id, piecesLeft);
  }
});

/** The service that was just killed may be asked a moment before anybody has noticed. */
function onceBack<T>(ask: () => Promise<Answer<T>>, status: number): Promise<T> {
  return eventually(async () => expectStatus(await ask(), status), { timeoutMs: 60_000, intervalMs: 250 });
}

/** The request that meets the crash is answered by the gateway alone, which cannot know what was done. */
async function dies(request: Promise<{ status: number }>): Promise<void> {
  const { status } = await request;
  assert.ok(status === 502 || status === 504, `the request that meets the crash is answered ${status}`);
}
