import { formatMoney, paymentApi } from '@punctual/contracts';
import {
  type CreatePaymentRequest,
  type Payment as PaymentMessage,
  type PaymentServiceImplementation,
  PaymentStatus,
} from '@punctual/contracts/grpc/payment';
import {
  type Call,
  type CallExtra,
  parseId,
  parseIds,
  parseMessage,
  parseWindow,
  requireAdmin,
  requireIdentity,
} from '@punctual/grpc';
import { type Identity, notFound } from '@punctual/http';
import type { Database } from '@punctual/postgres';
import { type Caller, scopeOf } from '../commands/caller.ts';
import type { createCreatePayment } from '../commands/create-payment.ts';
import type { ProcessPayment } from '../commands/process-payment.ts';
import type { createRefundPayment } from '../commands/refund-payment.ts';
import { getPayment, getPayments, getPaymentsOfOrders, type Payment } from '../queries/payments.ts';

export type PaymentServiceOptions = {
  readonly db: Database;
  readonly createPayment: ReturnType<typeof createCreatePayment>;
  readonly processPayment: ProcessPayment;
  readonly refundPayment: ReturnType<typeof createRefundPayment>;
};

const STATUS_PREFIX = 'PAYMENT_STATUS_';
const STATUSES = {
  pending: PaymentStatus.PENDING,
  processing: PaymentStatus.PROCESSING,
  succeeded: PaymentStatus.SUCCEEDED,
  failed: PaymentStatus.FAILED,
  refunded: PaymentStatus.REFUNDED,
} as const satisfies Record<Payment['status'], PaymentStatus>;

export function paymentService(options: PaymentServiceOptions): PaymentServiceImplementation<CallExtra> {
  const { db, createPayment, processPayment, refundPayment } = options;
  return {
    async createPayment(request, call) {
      const identity = await requireIdentity(call);
      const { order_id: orderId, method } = parseMessage(paymentApi.createPaymentBody, createBody(request));
      const { number, exp_month: expMonth, exp_year: expYear, cvc } = method;
      const card = { number, expMonth, expYear, cvc };
      return { payment: paymentMessage(await createPayment({ orderId, card, caller: callerOf(identity, call) })) };
    },
    async processPayment({ id }, call) {
      const identity = await requireIdentity(call);
      return {
        payment: paymentMessage(await processPayment({ id: parseId(id), caller: callerOf(identity, call) })),
      };
    },
    async getPayment(request, call) {
      const identity = await requireIdentity(call);
      const id = parseId(request.id);
      const payment = await getPayment(db, id, scopeOf(identity));
      if (payment === undefined) throw notFound('payment', id);
      return { payment: paymentMessage(payment) };
    },
    async batchGetPaymentsOfOrders(request, call) {
      const identity = await requireIdentity(call);
      const payments = await getPaymentsOfOrders(db, parseIds(request.orderIds, 'order_ids'), scopeOf(identity));
      return { payments: payments.map(paymentMessage) };
    },
    async listPayments({ window, own, status: wanted }, call) {
      const identity = await requireIdentity(call);
      const { limit, offset } = parseWindow(window);
      const query = { status: wanted?.slice(STATUS_PREFIX.length).toLowerCase() };
      const { status } = parseMessage(paymentApi.paymentsQuery, query);
      const scope = own ? { userId: identity.userId } : scopeOf(identity);
      const { payments, total } = await getPayments(db, { status, limit, offset }, scope);
      const info = { total, totalIsExact: true, hasMore: offset + payments.length < total };
      return { payments: payments.map(paymentMessage), info };
    },
    async refundPayment({ id, amountMinor }, call) {
      const identity = await requireAdmin(call);
      const body = { amount: amountMinor === undefined ? undefined : formatMoney(amountMinor) };
      const { amount } = parseMessage(paymentApi.refundPaymentBody, body);
      const refund = { id: parseId(id), amountMinor: amount, caller: callerOf(identity, call) };
      return { payment: paymentMessage(await refundPayment(refund)) };
    },
  };
}

/** The body of the HTTP request that says the same. */
function createBody({ orderId, card }: CreatePaymentRequest) {
  if (card === undefined) return { order_id: orderId };
  const { number, expMonth, expYear, cvc } = card;
  return { order_id: orderId, method: { type: 'card', number, exp_month: expMonth, exp_year: expYear, cvc } };
}

function callerOf({ userId, role }: Identity, call: Call): Caller {
  return { userId, role, authorization: call.metadata.get('authorization') ?? '' };
}

function paymentMessage(payment: Payment): PaymentMessage {
  return {
    id: payment.id,
    orderId: payment.orderId,
    amountMinor: payment.amountMinor,
    currency: payment.currency,
    status: STATUSES[payment.status],
    cardLast4: payment.last4,
    failure: payment.failure ?? undefined,
    capturedAt: payment.capturedAt ?? undefined,
    refundedAt: payment.refundedAt ?? undefined,
    createdAt: payment.createdAt,
    updatedAt: payment.updatedAt,
  };
}
