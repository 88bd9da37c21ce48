import type { Metrics } from '@punctual/telemetry';

export type PaymentCounters = ReturnType<typeof paymentCounters>;

export function paymentCounters(metrics: Metrics) {
  return {
    payments: metrics.counter({
      name: 'payments_total',
      help: 'Captures by their outcome: succeeded, failed, or unknown for now',
      labelNames: ['outcome'],
    }),
    refunds: metrics.counter({ name: 'refunds_total', help: 'Money given back, by cause', labelNames: ['cause'] }),
    webhooks: metrics.counter({
      name: 'payment_webhooks_total',
      help: 'Events of the provider: applied, nothing_new, ignored, refused',
      labelNames: ['outcome'],
    }),
    contradictions: metrics.counter({
      name: 'payment_contradictions_total',
      help: 'The provider said the opposite of what was settled here; must stay 0',
    }),
  };
}
