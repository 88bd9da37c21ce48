import { events } from '@punctual/contracts';
import { filterNew, type KafkaConnection, type KafkaSubscription } from '@punctual/messaging';
import type { Database } from '@punctual/postgres';
import { applyPayments } from '../commands/apply-payments.ts';

const GROUP = 'order-payment';

export type PaymentEventsOptions = {
  kafka: KafkaConnection;
  db: Database;
  wakeRelay(): void;
  onFatal(error: Error): void;
};

/** What became of the money of orders. */
export function consumePaymentEvents({ kafka, db, wakeRelay, onFatal }: PaymentEventsOptions): KafkaSubscription {
  return kafka.subscribe({
    groupId: GROUP,
    topics: ['payment'],
    schemas: {
      'payment.success': events['payment.success'].data,
      'payment.failed': events['payment.failed'].data,
      'payment.refunded': events['payment.refunded'].data,
    },
    db,
    onFatal,
    async handle(batch) {
      await db.transaction(async (tx) => applyPayments(tx, await filterNew(tx, GROUP, batch)));
      wakeRelay();
    },
  });
}
