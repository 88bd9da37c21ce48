import type { Database } from '@punctual/postgres';
import type { Logger } from '@punctual/telemetry';
import { type Outcome, type Payment, settle } from '../domain/payment.ts';
import { changePayment, type ReachPoint } from './change-payment.ts';
import type { PaymentCounters } from './payment-counters.ts';

export type SettlePaymentOptions = {
  db: Database;
  counters: PaymentCounters;
  logger: Logger;
  wakeRelay(): void;
  reachPoint: ReachPoint;
};

export type SettlePayment = ReturnType<typeof createSettlePayment>;

/**
 * Makes the command that writes down what the provider said of a capture, whoever heard it: the call itself, a webhook or a look-up.
 * They may all come, in any order: the first one counts. Returns the payment as it is then.
 */
export function createSettlePayment({ db, counters, logger, wakeRelay, reachPoint }: SettlePaymentOptions) {
  return async function settlePayment(payment: Payment, outcome: Outcome): Promise<Payment> {
    let before: Payment['status'] | undefined;
    const settled = await changePayment(
      db,
      payment,
      ({ payment: current, backFor, at }) => {
        const changed = settle(current, outcome, { at, backFor });
        before = changed && current.status;
        return changed;
      },
      () => reachPoint('before-capture-commit'),
    );
    if (before !== undefined) {
      await reachPoint('after-capture-commit');
      counters.payments.inc({ outcome: settled.status });
      wakeRelay();
    }
    const isTakenBack = before === 'failed';
    if (isTakenBack || (before === undefined && outcome.outcome === 'declined' && settled.status !== 'failed')) {
      counters.contradictions.inc();
      logger.error('the provider contradicts what it said', {
        payment_id: settled.id,
        status: settled.status,
        provider_outcome: outcome.outcome,
      });
    }
    return settled;
  };
}
