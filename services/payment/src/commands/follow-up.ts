import type { Database } from '@punctual/postgres';
import type { WorkerPool } from '@punctual/resilience';
import type { Logger } from '@punctual/telemetry';
import type { Payment } from '../domain/payment.ts';
import { assertOwn, type ProtectedProvider } from '../providers/protect.ts';
import { takeDuePayments } from '../store/payments.ts';
import { captureRequest } from './process-payment.ts';
import type { CarryOutRefund } from './refund-payment.ts';
import type { SettlePayment } from './settle-payment.ts';

const BATCH = 20;

export type FollowUpOptions = {
  db: Database;
  provider: ProtectedProvider;
  settlePayment: SettlePayment;
  carryOutRefund: CarryOutRefund;
  /** Bounds how many payments are followed up side by side. */
  pool: WorkerPool;
  logger: Logger;
};

/**
 * Makes the command that finishes what was left open: captures without an outcome, and refunds that are wanted and not done.
 * Returns whether there may be more. A payment that cannot be finished now is looked at again later, ever less often.
 *
 * A capture is never sent again. The provider is asked what became of it, and only its promise that it has not carried it out
 * and never will makes the payment `failed` with NOT_CAPTURED: silence or an error never does.
 */
export function createFollowUp({ db, provider, settlePayment, carryOutRefund, pool, logger }: FollowUpOptions) {
  async function reconcile(payment: Payment): Promise<void> {
    assertOwn(provider, payment);
    const found = await provider.lookup(captureRequest(payment));
    const outcome = found.outcome === 'unknown' ? ({ outcome: 'declined', code: 'NOT_CAPTURED' } as const) : found;
    const settled = await settlePayment(payment, outcome);
    logger.info('payment reconciled', { payment_id: payment.id, found: found.outcome, status: settled.status });
  }

  async function finish(payment: Payment): Promise<void> {
    try {
      const work = () => (payment.status === 'processing' ? reconcile(payment) : carryOutRefund(payment));
      await pool.submit<unknown>(work, { whenFull: 'wait' });
    } catch (error) {
      logger.warn('payment not finished, to be looked at again', { payment_id: payment.id, error });
    }
  }

  return async function followUp(): Promise<boolean> {
    const due = await takeDuePayments(db.primary, BATCH);
    await Promise.all(due.map(finish));
    return due.length === BATCH;
  };
}
