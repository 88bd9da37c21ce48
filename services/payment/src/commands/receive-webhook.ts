import type { IncomingHttpHeaders } from 'node:http';
import type { Database } from '@punctual/postgres';
import type { Logger } from '@punctual/telemetry';
import { giveBack } from '../domain/payment.ts';
import type { ProtectedProvider } from '../providers/protect.ts';
import { type ProviderEvent, WebhookRefused } from '../providers/provider.ts';
import { findPaymentOfProvider, type Payment } from '../store/payments.ts';
import { changePayment } from './change-payment.ts';
import { PaymentRefused } from './errors.ts';
import type { PaymentCounters } from './payment-counters.ts';
import type { SettlePayment } from './settle-payment.ts';

export type ReceiveWebhookOptions = {
  db: Database;
  provider: ProtectedProvider;
  settlePayment: SettlePayment;
  counters: PaymentCounters;
  logger: Logger;
  wakeRelay(): void;
};
export type Webhook = {
  readonly providerName: string;
  readonly rawBody: Buffer;
  readonly headers: IncomingHttpHeaders;
};

/**
 * Makes the command that takes the provider's word. What it changes follows from the payment's state alone: an event that comes twice,
 * late or in another order finds nothing left to change. Throws WebhookRefused, or PaymentRefused for a provider that is not ours.
 */
export function createReceiveWebhook(options: ReceiveWebhookOptions) {
  const { db, provider, settlePayment, counters, logger, wakeRelay } = options;

  async function verified({ providerName, rawBody, headers }: Webhook): Promise<ProviderEvent> {
    if (providerName !== provider.name) throw new PaymentRefused('NOT_FOUND', 'There is no such provider.');
    try {
      return await provider.verifyWebhook(rawBody, headers, new Date());
    } catch (error) {
      if (error instanceof WebhookRefused) counters.webhooks.inc({ outcome: 'refused' });
      throw error;
    }
  }

  async function apply(payment: Payment, event: Exclude<ProviderEvent, { type: 'other' }>): Promise<Payment> {
    if (event.type !== 'refund.succeeded') return await settlePayment(payment, event.outcome);
    // A refund that nobody wanted here is not ours to book: it was made by hand at the provider.
    return await changePayment(db, payment, ({ payment: current, at }) =>
      current.refundWantedAt === null ? undefined : giveBack(current, event.refundedAt, at),
    );
  }

  return async function receiveWebhook(webhook: Webhook): Promise<void> {
    const event = await verified(webhook);
    const payment = event.type === 'other' ? undefined : await findPaymentOfProvider(db.primary, provider.name, event);
    if (event.type === 'other' || payment === undefined) {
      counters.webhooks.inc({ outcome: 'ignored' });
      logger.warn('webhook ignored', { provider: provider.name, event_type: event.type });
      return;
    }
    const after = await apply(payment, event);
    counters.webhooks.inc({ outcome: after.status === payment.status ? 'nothing_new' : 'applied' });
    wakeRelay();
  };
}
