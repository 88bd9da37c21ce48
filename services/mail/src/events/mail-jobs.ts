import { mailJobs } from '@punctual/contracts';
import {
  MAIL_DEAD,
  MAIL_QUEUE,
  MAIL_RETRY,
  type RabbitConnection,
  type RabbitConsumer,
  type Receipts,
} from '@punctual/messaging';
import type { Database } from '@punctual/postgres';
import type { DeliverMails } from '../commands/deliver-mails.ts';

export type ConsumeMailJobsOptions = {
  rabbit: RabbitConnection;
  /** The services that asked for the mails keep each job until its receipt. */
  receipts: Receipts;
  db: Database;
  deliver: DeliverMails;
  /** Mails sent side by side: one for each pooled connection. */
  connections: number;
  /** Waits before each further attempt. */
  retryStepsMs: readonly number[];
};

/**
 * Sends the mails of a batch side by side, over as many connections as the pool has. When one of them fails, the messages
 * come again one by one: those that were sent are found in the ledger, so only the failing one takes its next retry step.
 * The ledger stands in for the inbox here, since sending cannot be part of a database transaction.
 */
export function consumeMailJobs(options: ConsumeMailJobsOptions): RabbitConsumer {
  const { rabbit, receipts, db, deliver, connections, retryStepsMs } = options;
  return rabbit.consume({
    consumer: 'mail',
    queue: MAIL_QUEUE,
    deadLetterQueue: MAIL_DEAD,
    retry: { exchange: MAIL_RETRY, stepsMs: retryStepsMs },
    schemas: mailJobs,
    receipts,
    batchSize: connections,
    prefetch: connections * 2,
    handle: deliver,
    ping: () => db.ping(),
  });
}
