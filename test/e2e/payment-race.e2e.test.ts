import assert from 'node:assert/strict';
import type { orderApi, paymentApi, productApi } from '@punctual/contracts';
import { type Customer, expectStatus } from '@punctual/testing';
import { type Attempt, attempt, CARDS, cardOf, payThroughOrders, payThroughPayments, tally } from './pay-attempts.ts';
import { type Ledger, type OrderBooks, type OwnedOrder, openLedger } from './payment-books.ts';
import { admin, newCustomers, newProduct, orderBecomes, placedOrder, platformAt, quantityBecomes } from './platform.ts';

const ORDERS = 8;
const PIECES = 100;

describe('payments that race', function () {
  this.timeout(120_000);
  let ledger: Ledger;
  let product: productApi.ProductView;
  let customers: Customer[];
  let piecesLeft = PIECES;

  before(async () => {
    await platformAt(1);
    ledger = await openLedger();
    product = await newProduct(PIECES);
    customers = await newCustomers(ORDERS);
  });
  after(() => ledger.close());

  it('against a cancellation: the order is paid and its money kept, or cancelled and its money back', async () => {
    const orders = await reservedOrders();
    const attempts = await raceEach(orders, ({ id, owner }, index) => {
      const card = index === 0 ? CARDS.slow : CARDS.approve;
      const cancel = () =>
        attempt('cancel', (ask) => ask(() => owner.request('POST', `/orders/${id}/cancel`, { body: {} })));
      const pays = [() => payThroughPayments(owner, id, card), () => payThroughOrders(owner, id, card)];
      // The cancellation starts first for some orders, and last for others.
      return index % 2 === 0 ? [cancel, ...pays, cancel] : [...pays, cancel, ...pays];
    });
    assertAnswers(attempts, ['200 ', '409 ILLEGAL_TRANSITION', '409 PAYMENT_EXISTS']);
    const books = await settled(orders, ['PAID', 'CANCELLED']);
    for (const [index, { order }] of books.entries()) {
      const accepted = attempts[index]?.filter(({ way, status }) => way === 'cancel' && status === 200) ?? [];
      assert.equal(accepted.length, order.status === 'CANCELLED' ? 1 : 0, `order ${order.id} is ${order.status}`);
    }
  });

  it('against a cancellation that comes while the provider takes its time: the money comes back', async () => {
    const [order] = await reservedOrders(1);
    assert.ok(order);
    const created = await order.owner.request<paymentApi.PaymentView>('POST', '/payments', {
      body: { order_id: order.id, method: cardOf(CARDS.slow) },
    });
    const { id } = expectStatus(created, 201);
    const processing = order.owner.request<paymentApi.PaymentView>('POST', `/payments/${id}/process`);
    await ledger.paymentBecomes(id, 'processing');
    expectStatus(await order.owner.cancel(order.id), 200);
    assert.equal((await processing).status, 200);
    const [books] = await settled([order], ['CANCELLED']);
    assert.deepEqual([books?.captures, books?.refunds], [1, 1]);
  });

  it('as refunds by several administrators against the delivery: refunded once, or delivered and kept', async () => {
    const orders = await reservedOrders();
    const boss = await admin();
    const payments = await Promise.all(orders.map(paidAndShipped));
    const attempts = await raceEach(orders, ({ id }, index) => {
      const refund = () =>
        attempt('refund', (ask) =>
          ask(() => boss.request('POST', `/payments/${payments[index]?.id}/refund`, { body: {} })),
        );
      const refundOrder = () =>
        attempt('refund of the order', (ask) => ask(() => boss.request('POST', `/orders/${id}/refund`, { body: {} })));
      const deliver = () =>
        attempt('deliver', (ask) =>
          ask(() => boss.request('PATCH', `/orders/${id}/status`, { body: { status: 'delivered' } })),
        );
      return index % 2 === 0 ? [deliver, refund, refund, refundOrder] : [refund, refundOrder, deliver, refund];
    });
    assertAnswers(attempts, ['200 ', '409 ILLEGAL_TRANSITION']);
    const books = await settled(orders, ['REFUNDED', 'COMPLETED']);
    for (const [index, { order }] of books.entries()) {
      const winners = attempts[index]?.filter(({ status }) => status === 200).map(({ way }) => way) ?? [];
      const isDelivered = winners.includes('deliver');
      assert.equal(order.status, isDelivered ? 'COMPLETED' : 'REFUNDED', winners.join());
      assert.ok(!isDelivered || winners.length === 1, winners.join());
    }

    async function paidAndShipped({ id, owner }: OwnedOrder): Promise<paymentApi.PaymentView> {
      const { payment } = expectStatus(await owner.pay(id, cardOf(CARDS.approve)), 200);
      for (const status of ['confirmed', 'shipped']) {
        expectStatus(await boss.request('PATCH', `/orders/${id}/status`, { body: { status } }), 200);
      }
      return payment;
    }
  });

  it('as many processes of one payment: all are answered alike, and the money is taken once', async () => {
    const orders = await reservedOrders(2);
    await Promise.all(
      orders.map(async ({ id, owner }, index) => {
        const method = cardOf(index === 0 ? CARDS.approve : CARDS.slow);
        const body = { order_id: id, method };
        const { id: paymentId } = expectStatus(
          await owner.request<paymentApi.PaymentView>('POST', '/payments', { body }),
          201,
        );
        const answers = await Promise.all(
          Array.from({ length: 20 }, () =>
            owner.request<paymentApi.PaymentView>('POST', `/payments/${paymentId}/process`),
          ),
        );
        const views = answers.map((answer) => expectStatus(answer, 200));
        assert.deepEqual(
          views.map((view) => [view.status, view.captured_at]),
          views.map(() => ['succeeded', views[0]?.captured_at]),
        );
      }),
    );
    await settled(orders, ['PAID']);
  });

  function reservedOrders(count = ORDERS): Promise<OwnedOrder[]> {
    return Promise.all(
      customers.slice(0, count).map(async (owner) => {
        const items = [{ product_id: product.id, quantity: 1 }];
        const { id } = await placedOrder(owner, items);
        await orderBecomes(owner, id, { stock: 'reserved' });
        return { id, owner };
      }),
    );
  }

  /** The books of the orders once they balance; what was sold is off the shelf, and nothing else. */
  async function settled(
    orders: readonly OwnedOrder[],
    ends: readonly orderApi.OrderView['status'][],
  ): Promise<OrderBooks[]> {
    const books = await ledger.balanced(orders, ends);
    piecesLeft -= books.filter(({ order }) => order.status === 'PAID' || order.status === 'COMPLETED').length;
    await quantityBecomes(product.id, piecesLeft);
    return books;
  }
});

/** All orders at once, and of each order everything at once. */
function raceEach(
  orders: readonly OwnedOrder[],
  attemptsOf: (order: OwnedOrder, index: number) => (() => Promise<Attempt>)[],
): Promise<Attempt[][]> {
  return Promise.all(
    orders.map((order, index) => Promise.all(attemptsOf(order, index).map((oneAttempt) => oneAttempt()))),
  );
}

function assertAnswers(attempts: readonly Attempt[][], legal: readonly string[]): void {
  const all = attempts.flat();
  for (const { status, code = '' } of all) {
    assert.ok(legal.includes(`${status} ${code}`), JSON.stringify(tally(all)));
  }
}
