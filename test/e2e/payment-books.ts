/** What an order's money came to: the order as the gateway shows it, beside the payment service's rows and the sandbox's own ledger. */
import assert from 'node:assert/strict';
import type { orderApi, paymentApi } from '@punctual/contracts';
import { type Customer, eventually } from '@punctual/testing';
import { Client } from 'pg';
import { inbox, mapWithLimit, settings } from './platform.ts';

/** One payment with what the ledger has of it. */
type PaymentBooks = {
  readonly status: paymentApi.PaymentView['status'];
  readonly captures: number;
  readonly refunds: number;
  readonly capturedMinor: number;
  readonly returnedMinor: number;
};

export type OrderBooks = {
  readonly order: orderApi.OrderView;
  readonly payments: readonly PaymentBooks[];
  readonly captures: number;
  readonly refunds: number;
};

export type OwnedOrder = { readonly id: number; readonly owner: Customer };

const READ_IN_PARALLEL = 10;
const REST_MS = 60_000;

/** The ledger names a payment by its own reference, so that a charge counts even when the payment does not know of it. */
const PAYMENTS = `
  SELECT p.order_id::int AS "orderId", p.status,
    (SELECT count(*)::int FROM sandbox_charges c WHERE c.reference = 'payment:' || p.id AND c.outcome = 'captured') AS captures,
    (SELECT coalesce(sum(c.amount_minor), 0)::int FROM sandbox_charges c
      WHERE c.reference = 'payment:' || p.id AND c.outcome = 'captured') AS "capturedMinor",
    (SELECT count(*)::int FROM sandbox_refunds r JOIN sandbox_charges c ON c.id = r.charge_id
      WHERE c.reference = 'payment:' || p.id) AS refunds,
    (SELECT coalesce(sum(r.amount_minor), 0)::int FROM sandbox_refunds r JOIN sandbox_charges c ON c.id = r.charge_id
      WHERE c.reference = 'payment:' || p.id) AS "returnedMinor"
  FROM payments p WHERE p.order_id = ANY($1) ORDER BY p.id`;

const UNFINISHED = `
  SELECT (SELECT count(*)::int FROM payments WHERE status = 'processing' OR check_at IS NOT NULL) AS payments,
    (SELECT count(*)::int FROM sandbox_webhooks) AS webhooks, (SELECT count(*)::int FROM outbox) AS outbox`;

export type Ledger = Awaited<ReturnType<typeof openLedger>>;

/** The payment service's database, to read from. */
export async function openLedger() {
  const url = new URL(settings.POSTGRES_ADMIN_URL);
  url.pathname = `/${settings.DATABASE_PREFIX}_payment`;
  const client = new Client({ connectionString: url.href });
  await client.connect();

  async function read(orders: readonly OwnedOrder[]): Promise<OrderBooks[]> {
    const ids = orders.map(({ id }) => id);
    const { rows } = await client.query<PaymentBooks & { orderId: number }>(PAYMENTS, [ids]);
    const found = Map.groupBy(rows, ({ orderId }) => orderId);
    return await mapWithLimit(orders, READ_IN_PARALLEL, async ({ id, owner }) => {
      const payments = found.get(id) ?? [];
      const sum = (count: (payment: PaymentBooks) => number) => payments.reduce((all, one) => all + count(one), 0);
      return {
        order: await owner.order(id),
        payments,
        captures: sum(({ captures }) => captures),
        refunds: sum(({ refunds }) => refunds),
      };
    });
  }

  return {
    /** Asks until a payment is in this state. */
    async paymentBecomes(id: number, status: paymentApi.PaymentView['status']): Promise<void> {
      await eventually(async () => {
        const { rows } = await client.query('SELECT status FROM payments WHERE id = $1', [id]);
        assert.deepEqual(rows, [{ status }]);
      });
    },

    /** The books of these orders once nothing is under way any more and each of them is as it has to be. */
    async balanced(
      orders: readonly OwnedOrder[],
      ends: readonly orderApi.OrderView['status'][],
    ): Promise<OrderBooks[]> {
      const books = await eventually(
        async () => {
          const { rows } = await client.query(UNFINISHED);
          assert.deepEqual(rows, [{ payments: 0, webhooks: 0, outbox: 0 }], 'the payment service is not at rest');
          const all = await read(orders);
          for (const one of all) {
            const { id, status } = one.order;
            assert.ok(ends.includes(status), `order ${id} is ${status}`);
            assertBalanced(one);
          }
          return all;
        },
        { timeoutMs: REST_MS, intervalMs: 250 },
      );
      await eventually(() => mapWithLimit(orders, READ_IN_PARALLEL, (order, at) => assertMails(order, books[at])), {
        timeoutMs: REST_MS,
        intervalMs: 250,
      });
      return books;
    },
    close: () => client.end(),
  };
}

/** The rule: one capture at most, and what was captured and not given back is what the order's state says. */
function assertBalanced({ order, payments, captures, refunds }: OrderBooks): void {
  const found = `order ${order.id} is ${order.status} with ${JSON.stringify(payments)}`;
  const totalMinor = Number(order.total_amount.replace('.', ''));
  assert.ok(captures <= 1, `captured more than once: ${found}`);
  switch (order.status) {
    case 'PAID':
    case 'COMPLETED':
      assert.deepEqual({ captures, refunds }, { captures: 1, refunds: 0 }, found);
      break;
    case 'REFUNDED':
      assert.deepEqual({ captures, refunds }, { captures: 1, refunds: 1 }, found);
      break;
    case 'CANCELLED':
      assert.equal(refunds, captures, found);
      break;
    case 'PENDING':
      assert.equal(captures, 0, found);
      break;
    default:
      order.status satisfies never;
  }
  for (const payment of payments) {
    const isCaptured = payment.status === 'succeeded' || payment.status === 'refunded';
    assert.equal(payment.captures, isCaptured ? 1 : 0, found);
    assert.equal(payment.refunds, payment.status === 'refunded' ? 1 : 0, found);
    assert.equal(payment.capturedMinor, payment.captures * totalMinor, found);
    assert.equal(payment.returnedMinor, payment.refunds * totalMinor, found);
  }
}

/** A refund is told once, and only where there was one. */
async function assertMails({ id, owner }: OwnedOrder, books: OrderBooks | undefined): Promise<void> {
  const mails = await inbox.mailsTo(owner.email);
  const refunds = mails.filter(({ subject }) => subject === `Order ${id} was refunded`);
  assert.equal(refunds.length, books?.refunds, `mails about the refund of order ${id}`);
}
