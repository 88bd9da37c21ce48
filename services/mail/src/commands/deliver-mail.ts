import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { MailJob, MailJobType } from '@punctual/contracts';
import { RejectMessage, RetryLater } from '@punctual/messaging';
import { type Database, isUnavailable } from '@punctual/postgres';
import type { Logger, Metrics } from '@punctual/telemetry';
import type { MailRenderer } from '../rendering.ts';
import { SmtpRefused, type SmtpSender } from '../smtp.ts';
import { claim, recordFailure, recordSent } from '../store/ledger.ts';

/** Added to the longest sending: a claim must not run out under a sender that is alive. */
const CLAIM_MARGIN_MS = 1_000;

/** Between attempts to record that a mail was sent while the ledger is away. */
const RECORD_RETRY_MS = 250;

export type DeliverMail = (type: MailJobType, job: MailJob<MailJobType>) => Promise<void>;

export type DeliverMailOptions = {
  db: Database;
  smtp: SmtpSender;
  renderer: MailRenderer;
  from: string;
  sendTimeoutMs: number;
  logger: Logger;
  metrics: Metrics;
};

/**
 * Sends one mail at most once per intent: claim in the ledger → SMTP → record. No transaction is open while the mail server
 * is talked to. One window is left, as with every SMTP client: when this process dies after the server took the mail and
 * before the ledger says so, it is sent again, with the same Message-ID, and the ledger counts it in `in_doubt`.
 * Throws RetryLater when the job is to come again, RejectMessage when the server will never take it.
 */
export function createDeliverMail(options: DeliverMailOptions): DeliverMail {
  const { db, smtp, renderer, from, sendTimeoutMs, logger, metrics } = options;
  const claimMs = sendTimeoutMs + CLAIM_MARGIN_MS;
  const outcomes = metrics.counter({
    name: 'mails_total',
    help: 'Mail jobs by what became of them',
    labelNames: ['type', 'outcome'],
  });

  /** The server has the mail and only we know it: giving up here would send it again. So this waits until the ledger is back. */
  async function recordSentHoweverLong(intent: string): Promise<void> {
    for (;;) {
      try {
        await recordSent(db.primary, intent);
        return;
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        logger.warn('mail sent, the ledger is away', { intent });
        await delay(RECORD_RETRY_MS);
      }
    }
  }

  return async (type, job) => {
    const messageId = messageIdOf(job.intent, from);
    const intent = { intent: job.intent, type, recipient: job.to, messageId, notAfter: job.not_after };
    const claimed = await claim(db.primary, intent, claimMs);
    if (claimed === 'busy') throw new RetryLater('another sender has this mail in hand', { delayMs: claimMs });
    if (claimed !== 'claimed') {
      outcomes.inc({ type, outcome: claimed === 'stale' ? 'stale' : 'duplicate' });
      logger.info('mail not sent', { intent: job.intent, outcome: claimed });
      return;
    }
    try {
      await smtp.send({ from, to: job.to, messageId, ...renderer.render(type, job) });
    } catch (error) {
      const permanent = error instanceof SmtpRefused;
      const reason = error instanceof Error ? error.message : String(error);
      outcomes.inc({ type, outcome: permanent ? 'failed' : 'deferred' });
      await recordFailure(db.primary, job.intent, { status: permanent ? 'failed' : 'deferred', error: reason });
      if (permanent) throw new RejectMessage(reason, { cause: error });
      throw new RetryLater(reason, { cause: error });
    }
    await recordSentHoweverLong(job.intent);
    outcomes.inc({ type, outcome: 'sent' });
    logger.info('mail sent', { intent: job.intent });
  };
}

/** The same intent always has the same Message-ID, so that a mailbox can tell a repeated mail. */
function messageIdOf(intent: string, from: string): string {
  const domain = /@([^\s>]+)/.exec(from)?.[1] ?? 'localhost';
  return `<${createHash('sha256').update(intent).digest('hex').slice(0, 32)}@${domain}>`;
}
