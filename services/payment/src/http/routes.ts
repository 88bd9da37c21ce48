import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { paymentApi } from '@punctual/contracts';
import { handle, type MountedRoute, notFound, pagingLinks, windowOf } from '@punctual/http';
import type { Database } from '@punctual/postgres';
import { type Caller, scopeOf } from '../commands/caller.ts';
import type { createCreatePayment } from '../commands/create-payment.ts';
import type { ProcessPayment } from '../commands/process-payment.ts';
import type { createRefundPayment } from '../commands/refund-payment.ts';
import { getPayment, getPayments, getPaymentsOfOrders } from '../queries/payments.ts';
import { paymentView } from './payment-view.ts';

export type PaymentRoutesOptions = {
  db: Database;
  createPayment: ReturnType<typeof createCreatePayment>;
  processPayment: ProcessPayment;
  refundPayment: ReturnType<typeof createRefundPayment>;
};

type PaymentsQuery = { status?: paymentApi.PaymentView['status'] | undefined; page: number; limit: number };
type Identified = { userId: number; role: 'customer' | 'admin' };

export function paymentRoutes({
  db,
  createPayment,
  processPayment,
  refundPayment,
}: PaymentRoutesOptions): MountedRoute[] {
  async function list({ status, page, limit }: PaymentsQuery, userId: number | 'any', req: IncomingMessage) {
    const { payments, total } = await getPayments(db, { status, ...windowOf({ page, limit }) }, { userId });
    return { data: payments.map(paymentView), paging: pagingLinks(req, { page, limit, totalItems: total }) };
  }

  return [
    handle(paymentApi.createPayment, async ({ body, identity, headers }) => {
      const { number, exp_month: expMonth, exp_year: expYear, cvc } = body.method;
      const card = { number, expMonth, expYear, cvc };
      return paymentView(await createPayment({ orderId: body.order_id, card, caller: callerOf(identity, headers) }));
    }),
    handle(paymentApi.listPayments, ({ query, req }) => list(query, 'any', req)),
    handle(paymentApi.listMyPayments, ({ query, identity, req }) => list(query, identity.userId, req)),
    handle(paymentApi.getPaymentOfOrder, async ({ params, identity }) => {
      const [payment] = await getPaymentsOfOrders(db, [params.order_id], scopeOf(identity));
      if (payment === undefined) throw notFound('payment of order', params.order_id);
      return paymentView(payment);
    }),
    handle(paymentApi.getPayment, async ({ params, identity }) => {
      const payment = await getPayment(db, params.id, scopeOf(identity));
      if (payment === undefined) throw notFound('payment', params.id);
      return paymentView(payment);
    }),
    handle(paymentApi.processPayment, async ({ params, identity, headers }) =>
      paymentView(await processPayment({ id: params.id, caller: callerOf(identity, headers) })),
    ),
    handle(paymentApi.refundPayment, async ({ params, body, identity, headers }) =>
      paymentView(
        await refundPayment({ id: params.id, amountMinor: body.amount, caller: callerOf(identity, headers) }),
      ),
    ),
  ];
}

function callerOf({ userId, role }: Identified, headers: IncomingHttpHeaders): Caller {
  return { userId, role, authorization: headers.authorization ?? '' };
}
