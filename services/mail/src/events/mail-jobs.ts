import { mailJobs } from '@punctual/contracts';
import { MAIL_DEAD, MAIL_QUEUE, MAIL_RETRY, type RabbitConnection, type RabbitConsumer } from '@punctual/messaging';
import type { Database } from '@punctual/postgres';
import type { DeliverMail } from '../commands/deliver-mail.ts';
import type { MailConfig } from '../config.ts';

export type ConsumeMailJobsOptions = {
  rabbit: RabbitConnection;
  db: Database;
  deliver: DeliverMail;
  config: MailConfig;
};

/**
 * Sends the mails of a batch side by side, over as many connections as the pool has. When one of them fails, the messages
 * come again one by one: those that were sent are found in the ledger, so only the failing one takes its next retry step.
 * The ledger stands in for the inbox here, since sending cannot be part of a database transaction.
 */
export function consumeMailJobs({ rabbit, db, deliver, config }: ConsumeMailJobsOptions): RabbitConsumer {
  return rabbit.consume({
    consumer: 'mail',
    queue: MAIL_QUEUE,
    deadLetterQueue: MAIL_DEAD,
    retry: { exchange: MAIL_RETRY, stepsMs: config.MAIL_RETRY_STEPS },
    schemas: mailJobs,
    batchSize: config.SMTP_CONNECTIONS,
    prefetch: config.SMTP_CONNECTIONS * 2,
    async handle(batch) {
      const outcomes = await Promise.allSettled(batch.map((message) => deliver(message.type, message.data)));
      for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    },
    ping: () => db.ping(),
  });
}
