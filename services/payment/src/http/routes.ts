import type { IncomingHttpHeaders } from 'node:http';
import { paymentApi } from '@punctual/contracts';
import { handle, type MountedRoute, notFound, pagingLinks } from '@punctual/http';
import type { Database } from '@punctual/postgres';
import { type Caller, scopeOf } from '../commands/caller.ts';
import type { createCreatePayment } from '../commands/create-payment.ts';
import type { ProcessPayment } from '../commands/process-payment.ts';
import type { createRefundPayment } from '../commands/refund-payment.ts';
import { paymentView } from '../queries/payment-view.ts';
import { getPayment, getPaymentOfOrder, getPayments } from '../queries/payments.ts';

export type PaymentRoutesOptions = {
  db: Database;
  createPayment: ReturnType<typeof createCreatePayment>;
  processPayment: ProcessPayment;
  refundPayment: ReturnType<typeof createRefundPayment>;
};

type Identified = { userId: number; role: 'customer' | 'admin' };

export function paymentRoutes({
  db,
  createPayment,
  processPayment,
  refundPayment,
}: PaymentRoutesOptions): MountedRoute[] {
  return [
    handle(paymentApi.createPayment, async ({ body, identity, headers }) => {
      const { number, exp_month: expMonth, exp_year: expYear, cvc } = body.method;
      const card = { number, expMonth, expYear, cvc };
      return paymentView(await createPayment({ orderId: body.order_id, card, caller: callerOf(identity, headers) }));
    }),
    handle(paymentApi.listPayments, async ({ query, req }) => {
      const { payments, totalItems } = await getPayments(db, query, { userId: 'any' });
      return { data: payments, paging: pagingLinks(req, { page: query.page, limit: query.limit, totalItems }) };
    }),
    handle(paymentApi.listMyPayments, async ({ query, identity, req }) => {
      const { payments, totalItems } = await getPayments(db, query, { userId: identity.userId });
      return { data: payments, paging: pagingLinks(req, { page: query.page, limit: query.limit, totalItems }) };
    }),
    handle(paymentApi.getPaymentOfOrder, async ({ params, identity }) => {
      const payment = await getPaymentOfOrder(db, params.order_id, scopeOf(identity));
      if (payment === undefined) throw notFound('payment of order', params.order_id);
      return payment;
    }),
    handle(paymentApi.getPayment, async ({ params, identity }) => {
      const payment = await getPayment(db, params.id, scopeOf(identity));
      if (payment === undefined) throw notFound('payment', params.id);
      return payment;
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
