import assert from 'node:assert/strict';
import { PaymentServiceDefinition, PaymentStatus } from '@punctual/contracts/grpc/payment';
import { grpcRefusal, testGrpcClient } from '@punctual/testing';
import {
  CARDS,
  type Customer,
  methodOf,
  type PaymentView,
  type RunningPayment,
  startPayment,
} from './running-payment.ts';

const card = (number: string) => ({ number, expMonth: 12, expYear: 2_090, cvc: '123' });
const GOOD = card(CARDS.approve);
const MAX_IDS = 1_000;

describe('the payment service over gRPC', () => {
  let shop: RunningPayment;
  let client: ReturnType<typeof testGrpcClient<typeof PaymentServiceDefinition>>;
  let payments: typeof client.calls;
  let ann: Customer;
  let bob: Customer;
  let admin: Customer;

  before(async function () {
    this.timeout(60_000);
    shop = await startPayment('payments-grpc');
    client = testGrpcClient({
      definition: PaymentServiceDefinition,
      address: shop.grpcAddress,
    });
    payments = client.calls;
    ann = await shop.customer();
    bob = await shop.customer();
    admin = await shop.customer({ role: 'admin' });
  });
  after(async () => {
    client.close();
    await shop.stop();
  });

  async function create(number: string = CARDS.approve, fields: Parameters<typeof shop.orderService.place>[1] = {}) {
    const order = shop.orderService.place(ann.userId, fields);
    const { payment } = await payments.createPayment({ orderId: order.id, card: card(number) }, ann);
    assert.ok(payment);
    return { order, id: payment.id, payment };
  }

  it('prepares a payment, takes the money once, and shows what HTTP shows', async () => {
    const { order, id, payment } = await create(CARDS.approve, { totalMinor: 1_234 });
    assert.deepEqual(
      { ...payment, createdAt: undefined, updatedAt: undefined },
      {
        id,
        orderId: order.id,
        amountMinor: 1_234,
        currency: 'USD',
        status: PaymentStatus.PENDING,
        cardLast4: '4242',
        failure: undefined,
        capturedAt: undefined,
        refundedAt: undefined,
        createdAt: undefined,
        updatedAt: undefined,
      },
    );
    const second = await grpcRefusal(payments.createPayment({ orderId: order.id, card: GOOD }, ann));
    assert.deepEqual(
      [second.code, second.status, second.details],
      ['PAYMENT_EXISTS', 'ALREADY_EXISTS', { payment_id: id, status: 'pending' }],
    );
    const taken = await payments.processPayment({ id }, ann);
    assert.equal(taken.payment?.status, PaymentStatus.SUCCEEDED);
    assert.deepEqual(await payments.processPayment({ id }, ann), taken);
    const charges = await shop.query(
      `SELECT c.outcome FROM sandbox_charges c JOIN payments p ON CAST(p.idempotency_key AS text) = c.idempotency_key
       WHERE p.id = :id`,
      { id },
    );
    assert.deepEqual(charges, [{ outcome: 'captured' }]);
    const { payment: shown } = await payments.getPayment({ id }, ann);
    assert.deepEqual(shown, taken.payment);
    const http = await ann.payment(id);
    assert.deepEqual(
      [http.amount, http.status, http.captured_at, http.created_at, http.updated_at],
      [
        '12.34',
        'succeeded',
        shown?.capturedAt?.toISOString(),
        shown?.createdAt?.toISOString(),
        shown?.updatedAt?.toISOString(),
      ],
    );
  });

  it('tells why a payment failed', async () => {
    const { id } = await create(CARDS.decline);
    const { payment } = await payments.processPayment({ id }, ann);
    assert.deepEqual([payment?.status, payment?.failure], [PaymentStatus.FAILED, 'CARD_DECLINED']);
    const { code, status, details } = await grpcRefusal(payments.processPayment({ id }, ann));
    assert.deepEqual(
      [code, status, details],
      ['ILLEGAL_TRANSITION', 'FAILED_PRECONDITION', { current: 'failed', requested: 'succeeded' }],
    );
  });

  it('shows payments to their owner and to administrators; to others there are none', async () => {
    const { order, id } = await create();
    for (const who of [ann, admin]) assert.equal((await payments.getPayment({ id }, who)).payment?.id, id);
    for (const call of [() => payments.getPayment({ id }, bob), () => payments.processPayment({ id }, bob)]) {
      const { code, status, details } = await grpcRefusal(call());
      assert.deepEqual([code, status, details], ['NOT_FOUND', 'NOT_FOUND', { resource: 'payment', id }]);
    }
    const foreign = await grpcRefusal(payments.createPayment({ orderId: order.id, card: GOOD }, bob));
    assert.deepEqual(
      [foreign.code, foreign.status, foreign.details],
      ['NOT_FOUND', 'NOT_FOUND', { resource: 'order', id: order.id }],
    );
    const refund = await grpcRefusal(payments.refundPayment({ id }, ann));
    assert.deepEqual([refund.code, refund.status], ['FORBIDDEN', 'PERMISSION_DENIED']);
  });

  it('shows the latest payment of many orders at once, each caller theirs', async () => {
    const failed = await create(CARDS.decline);
    await payments.processPayment({ id: failed.id }, ann);
    const { payment: latest } = await payments.createPayment({ orderId: failed.order.id, card: GOOD }, ann);
    const other = await create();
    const orderIds = [failed.order.id, other.order.id, 999_999_999, failed.order.id];
    const seenBy = async (who: Customer, ids = orderIds) =>
      (await payments.batchGetPaymentsOfOrders({ orderIds: ids }, who)).payments.map(({ id }) => id).sort();
    assert.deepEqual(await seenBy(ann), [latest?.id, other.id].sort());
    assert.deepEqual(await seenBy(admin), [latest?.id, other.id].sort());
    assert.deepEqual(await seenBy(bob), []);
    assert.deepEqual(await seenBy(ann, []), []);
    const numbers = (length: number) => Array.from({ length }, (_, index) => index + 1);
    assert.deepEqual(await seenBy(bob, numbers(MAX_IDS)), []);
    const wrong: [number[], string][] = [
      [numbers(MAX_IDS + 1), 'order_ids'],
      [[0], 'order_ids[0]'],
    ];
    for (const [ids, field] of wrong) {
      const { status, details } = await grpcRefusal(payments.batchGetPaymentsOfOrders({ orderIds: ids }, ann));
      assert.deepEqual([status, (details as { field: string }[])[0]?.field], ['INVALID_ARGUMENT', field]);
    }
  });

  it('lists them in windows, newest first: own ones, or all for an administrator', async () => {
    const carl = await shop.customer();
    const ids: number[] = [];
    for (const number of [CARDS.approve, CARDS.decline, CARDS.approve]) {
      const order = shop.orderService.place(carl.userId);
      const { payment } = await payments.createPayment({ orderId: order.id, card: card(number) }, carl);
      await payments.processPayment({ id: payment?.id ?? 0 }, carl);
      ids.unshift(payment?.id ?? 0);
    }
    const listed = async (request: Parameters<typeof payments.listPayments>[0], who = carl) => {
      const answer = await payments.listPayments(request, who);
      return { ids: answer.payments.map(({ id }) => id), info: answer.info };
    };
    assert.deepEqual(await listed({ window: { limit: 2 } }), {
      ids: ids.slice(0, 2),
      info: { total: 3, totalIsExact: true, hasMore: true },
    });
    assert.deepEqual(await listed({ window: { limit: 2, offset: 1 } }), {
      ids: ids.slice(1),
      info: { total: 3, totalIsExact: true, hasMore: false },
    });
    assert.deepEqual((await listed({ status: PaymentStatus.FAILED })).ids, [ids[1]]);
    assert.ok(((await listed({}, admin)).info?.total ?? 0) > ids.length);
    assert.deepEqual((await listed({ own: true }, admin)).ids, []);
    const wrong = await grpcRefusal(payments.listPayments({ status: PaymentStatus.UNSPECIFIED }, carl));
    const { error } = await carl.request('GET', '/payments/my-payments?status=unspecified');
    assert.deepEqual([wrong.code, wrong.details], [error.code, error.details]);
  });

  it('gives the money of a paid order back, to the whole amount and no other', async () => {
    const { order, id } = await create();
    await payments.processPayment({ id }, ann);
    order.status = 'PAID';
    const part = await grpcRefusal(payments.refundPayment({ id, amountMinor: 1 }, admin));
    const http = await admin.request('POST', `/payments/${id}/refund`, { amount: '0.01' });
    assert.deepEqual([part.code, part.details], [http.error.code, http.error.details]);
    const { payment } = await payments.refundPayment({ id, amountMinor: 2_500_000 }, admin);
    assert.equal(payment?.status, PaymentStatus.REFUNDED);
    assert.ok(payment.refundedAt instanceof Date);
    assert.equal(order.status, 'REFUNDED');
  });

  it('names the same fields as HTTP when input is wrong', async () => {
    const order = shop.orderService.place(ann.userId);
    const http = (body: unknown) => ann.request<PaymentView>('POST', '/payments', body);
    const method = methodOf(CARDS.approve);
    const pairs: [Parameters<typeof payments.createPayment>[0], unknown][] = [
      [{ orderId: order.id }, { order_id: order.id }],
      [{ card: GOOD }, { order_id: 0, method }],
      [
        { orderId: order.id, card: { ...GOOD, number: '4242' } },
        { order_id: order.id, method: { ...method, number: '4242' } },
      ],
      [
        { orderId: order.id, card: { ...GOOD, expMonth: 13 } },
        { order_id: order.id, method: { ...method, exp_month: 13 } },
      ],
      [
        { orderId: order.id, card: { ...GOOD, expYear: 2_001 } },
        { order_id: order.id, method: { ...method, exp_year: 2_001 } },
      ],
      [
        { orderId: order.id, card: { ...GOOD, cvc: '' } },
        { order_id: order.id, method: { ...method, cvc: '' } },
      ],
    ];
    for (const [request, body] of pairs) {
      const { code, status, message, details } = await grpcRefusal(payments.createPayment(request, ann));
      const { error } = await http(body);
      assert.equal(status, 'INVALID_ARGUMENT');
      assert.deepEqual(
        { code, message, details },
        { code: error.code, message: error.message, details: error.details },
      );
      assert.doesNotMatch(JSON.stringify(details), /\d{12}/);
    }
    assert.deepEqual(await shop.query('SELECT id FROM payments WHERE order_id = :id', { id: order.id }), []);
  });

  it('answers nobody without a good token', async () => {
    for (const authorization of [undefined, 'Bearer a.b.c']) {
      for (const call of [
        () => payments.createPayment({ orderId: 1, card: GOOD }, { authorization }),
        () => payments.processPayment({ id: 1 }, { authorization }),
        () => payments.getPayment({ id: 1 }, { authorization }),
        () => payments.batchGetPaymentsOfOrders({ orderIds: [1] }, { authorization }),
        () => payments.listPayments({}, { authorization }),
        () => payments.refundPayment({ id: 1 }, { authorization }),
      ]) {
        const { code, status } = await grpcRefusal(call());
        assert.deepEqual([code, status], ['UNAUTHENTICATED', 'UNAUTHENTICATED']);
      }
    }
  });
});
