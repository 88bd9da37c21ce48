import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  applyPayment,
  assertPayable,
  type Change,
  canBecome,
  cancel,
  complete,
  type Fulfillment,
  type FulfillmentStep,
  fulfil,
  IllegalTransition,
  NEXT_FULFILLMENT,
  type Order,
  type OrderStatus,
  PaymentOverdue,
  refund,
  rejectStock,
  reserveStock,
  StockPending,
  TRANSITIONS,
} from './order.ts';

const CREATED = new Date('2026-01-31T09:00:00.000Z');
const LATER = new Date('2026-01-31T10:00:00.000Z');
const EXPIRY = new Date('2026-02-01T09:00:00.000Z');
const STATUSES = Object.keys(TRANSITIONS) as OrderStatus[];
const FULFILLMENTS = Object.keys(NEXT_FULFILLMENT) as Fulfillment[];
const STEPS: readonly FulfillmentStep[] = ['confirmed', 'shipped', 'delivered'];

function orderWith(fields: Partial<Order> = {}): Order {
  return {
    id: 1,
    userId: 2,
    customerEmail: 'ann@punctual.test',
    requestId: 'r',
    status: 'PENDING',
    reason: null,
    stock: 'reserved',
    fulfillment: 'unfulfilled',
    description: '',
    shippingAddress: '1 Test Street',
    notes: '',
    items: [{ id: 1, productId: 1, name: 'Lamp', quantity: 1, unitPriceMinor: 2_500 }],
    totalMinor: 2_500,
    currency: 'USD',
    createdAt: CREATED,
    updatedAt: CREATED,
    expiresAt: EXPIRY,
    paidAt: null,
    paymentId: null,
    ...fields,
  };
}

describe('the life of an order', () => {
  it('has these steps and no others', () => {
    const steps = STATUSES.flatMap((from) => STATUSES.filter((to) => canBecome(from, to)).map((to) => `${from} ${to}`));
    assert.deepEqual(steps, ['PENDING PAID', 'PENDING CANCELLED', 'PAID COMPLETED', 'PAID REFUNDED']);
  });

  for (const [name, step, requested] of [
    ['cancel', (order: Order) => cancel(order, 'CUSTOMER_CANCELLED', LATER), 'CANCELLED'],
    ['complete', (order: Order) => complete(order, LATER), 'COMPLETED'],
    ['refund', (order: Order) => refund(order, LATER), 'REFUNDED'],
  ] as const) {
    for (const status of STATUSES) {
      it(`${canBecome(status, requested) ? 'lets' : 'refuses to'} ${name} an order that is ${status}`, () => {
        const order = orderWith({ status });
        if (canBecome(status, requested)) {
          const change = step(order);
          assert.equal(change.order.status, requested);
          assert.equal(change.order.updatedAt, LATER);
          assert.equal(change.before, order);
        } else {
          assert.throws(() => step(order), new IllegalTransition(order, requested));
        }
      });
    }
  }

  it('takes no payment before the stock is reserved, nor once the time to pay is over', () => {
    assert.throws(() => assertPayable(orderWith({ stock: 'pending' }), LATER), StockPending);
    assert.throws(() => assertPayable(orderWith(), EXPIRY), PaymentOverdue);
    assert.doesNotThrow(() => assertPayable(orderWith(), new Date(+EXPIRY - 1)));
    for (const status of STATUSES.filter((one) => one !== 'PENDING')) {
      assert.throws(() => assertPayable(orderWith({ status }), LATER), IllegalTransition);
    }
  });

  it('keeps why it was cancelled', () => {
    const { order, fact } = cancel(orderWith(), 'PAYMENT_EXPIRED', LATER);
    assert.equal(order.reason, 'PAYMENT_EXPIRED');
    assert.deepEqual(fact, { type: 'order.cancelled', reason: 'PAYMENT_EXPIRED' });
  });

  it("takes product's first answer about its stock, and none after it has ended", () => {
    const pending = orderWith({ stock: 'pending' });
    assert.equal(reserveStock(pending, LATER)?.order.stock, 'reserved');
    const rejected = rejectStock(pending, LATER)?.order;
    assert.deepEqual([rejected?.status, rejected?.reason, rejected?.stock], ['CANCELLED', 'OUT_OF_STOCK', 'rejected']);
    for (const answer of [reserveStock, rejectStock]) {
      assert.equal(answer(orderWith({ stock: 'reserved' }), LATER), undefined);
      assert.equal(answer(orderWith({ stock: 'pending', status: 'CANCELLED' }), LATER), undefined);
    }
  });

  for (const status of STATUSES) {
    for (const fulfillment of FULFILLMENTS) {
      for (const to of STEPS) {
        const isLegal = status === 'PAID' && NEXT_FULFILLMENT[fulfillment] === to;
        it(`${isLegal ? 'moves' : 'does not move'} the fulfilment of ${status} from ${fulfillment} to ${to}`, () => {
          const order = orderWith({ status, fulfillment });
          if (!isLegal) {
            assert.throws(() => fulfil(order, to, LATER), new IllegalTransition(order, to));
            return;
          }
          const changes = fulfil(order, to, LATER);
          const last = changes.at(-1)?.order;
          const completes = to === 'delivered';
          assert.deepEqual(
            changes.map(({ fact }) => fact.type),
            completes ? ['order.status_changed', 'order.completed'] : ['order.status_changed'],
          );
          assert.deepEqual([last?.fulfillment, last?.status], [to, completes ? 'COMPLETED' : 'PAID']);
        });
      }
    }
  }

  describe('when money was captured for it', () => {
    const PAYMENT_ID = 7;
    const captured = (order: Order, capturedAt: Date, at = LATER) =>
      applyPayment(order, { paymentId: PAYMENT_ID, capturedAt }, at);

    it('is paid while it is PENDING, however late the news comes, when the capture was in time', () => {
      for (const capturedAt of [CREATED, LATER, EXPIRY]) {
        for (const at of [LATER, new Date(+EXPIRY + 3_600_000)]) {
          const paid = captured(orderWith(), capturedAt, at);
          assert.deepEqual(paid?.fact, { type: 'order.paid' });
          const { status, paidAt, paymentId, updatedAt } = paid.order;
          assert.deepEqual(
            { status, paidAt, paymentId, updatedAt },
            {
              status: 'PAID',
              paidAt: capturedAt,
              paymentId: PAYMENT_ID,
              updatedAt: at,
            },
          );
        }
      }
    });

    it('expires when it was PENDING and the capture too late', () => {
      const expired = captured(orderWith(), new Date(+EXPIRY + 1));
      assert.deepEqual(expired?.fact, { type: 'order.cancelled', reason: 'PAYMENT_EXPIRED' });
      assert.deepEqual([expired.order.status, expired.order.paymentId], ['CANCELLED', null]);
    });

    it('stays PENDING while its pieces are not set aside', () => {
      assert.equal(captured(orderWith({ stock: 'pending' }), LATER), undefined);
    });

    for (const status of STATUSES.filter((one) => one !== 'PENDING')) {
      it(`stays ${status}, whichever payment it was and whenever`, () => {
        for (const paymentId of [PAYMENT_ID, PAYMENT_ID + 1, null]) {
          for (const capturedAt of [LATER, new Date(+EXPIRY + 1)]) {
            assert.equal(captured(orderWith({ status, paymentId }), capturedAt), undefined);
          }
        }
      });
    }

    it('comes to the same when the news comes twice', () => {
      fc.assert(
        fc.property(
          fc.date({ min: CREATED, max: new Date(+EXPIRY * 2 - +CREATED), noInvalidDate: true }),
          (capturedAt) => {
            const first = captured(orderWith(), capturedAt);
            assert.ok(first);
            assert.equal(captured(first.order, capturedAt), undefined);
            assert.equal(first.order.status, capturedAt <= EXPIRY ? 'PAID' : 'CANCELLED');
          },
        ),
      );
    });
  });

  it('takes one legal step at a time, whatever is asked of it, and never leaves its end', () => {
    const asks = fc.constantFrom<((order: Order) => readonly Change[])[]>(
      (order) => [cancel(order, 'CUSTOMER_CANCELLED', LATER)],
      (order) => [complete(order, LATER)],
      (order) => [refund(order, LATER)],
      (order) => [applyPayment(order, { paymentId: 7, capturedAt: LATER }, LATER) ?? []].flat(),
      ...STEPS.map((to) => (order: Order) => fulfil(order, to, LATER)),
    );
    fc.assert(
      fc.property(fc.array(asks, { maxLength: 20 }), (asked) => {
        let order = orderWith();
        for (const ask of asked) {
          for (const { before, order: after } of decided(ask, order)) {
            assert.equal(before, order);
            assert.ok(after.status === before.status || canBecome(before.status, after.status));
            const isStep = NEXT_FULFILLMENT[before.fulfillment] === after.fulfillment;
            assert.ok(after.fulfillment === before.fulfillment || (before.status === 'PAID' && isStep));
            order = after;
          }
          if (order.fulfillment === 'delivered') assert.equal(order.status, 'COMPLETED');
        }
      }),
    );
  });
});

/** What an order answers to a wish; nothing when it refuses. */
function decided(ask: (order: Order) => readonly Change[], order: Order): readonly Change[] {
  try {
    return ask(order);
  } catch (error) {
    if (error instanceof IllegalTransition) return [];
    throw error;
  }
}
