import { formatMoney, type paymentApi } from '@punctual/contracts';
import type { PaymentFacts } from '../commands/pay-order.ts';

/** A payment as the payment service shows it. */
export function paymentView(payment: PaymentFacts): paymentApi.PaymentView {
  return {
    id: payment.id,
    order_id: payment.orderId,
    amount: formatMoney(payment.amountMinor),
    currency: payment.currency,
    status: payment.status,
    method: { type: 'card', last4: payment.last4 },
    failure: payment.failure,
    captured_at: payment.capturedAt?.toISOString() ?? null,
    refunded_at: payment.refundedAt?.toISOString() ?? null,
    created_at: payment.createdAt.toISOString(),
    updated_at: payment.updatedAt.toISOString(),
  };
}
