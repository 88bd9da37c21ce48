import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { MailJob, MailJobType } from '@punctual/contracts';
import { RejectMessage, RetryLater, WaitInPlace } from '@punctual/messaging';
import { type Database, GroupCommit, isUnavailable } from '@punctual/postgres';
import type { Logger, Metrics } from '@punctual/telemetry';
import type { MailRenderer } from '../rendering.ts';
import { SmtpAway, SmtpRefused, type SmtpSender } from '../smtp.ts';
import { type Claim, claim, type Intent, recordFailure, recordSent } from '../store/ledger.ts';

/** Added to the longest sending: a claim must not run out under a sender that is alive. */
const CLAIM_MARGIN_MS = 1_000;

/** Between attempts to record that mails were sent while the ledger is away. */
const RECORD_RETRY_MS = 250;

/** How long a mail that was sent waits for others to be recorded with it. A crash meanwhile leaves it in doubt. */
const RECORD_WAIT_MS = 5;

export type Delivery = { readonly type: MailJobType; readonly data: MailJob<MailJobType> };

/**
 * Sends the mails of these jobs side by side, so let them be no more than there are connections. Resolves when all are
 * finished with. Otherwise throws the first one's error, once all have come to an end: RetryLater when the job is to come
 * again, RejectMessage when the server will never take its mail; WaitInPlace when the mail server is known to be away and
 * nothing but that was in the way.
 */
export type DeliverMails = (jobs: readonly Delivery[]) => Promise<void>;

export type DeliverMailsOptions = {
  db: Database;
  smtp: SmtpSender;
  renderer: MailRenderer;
  from: string;
  sendTimeoutMs: number;
  logger: Logger;
  metrics: Metrics;
};

/**
 * Sends a mail at most once per intent: claim in the ledger → SMTP → record. No transaction is open while the mail server
 * is talked to. The claims of a batch are one statement, and mails that are sent at about the same time are recorded by one.
 * One window is left, as with every SMTP client: when this process dies after the server took the mail and before the
 * ledger says so, it is sent again, with the same Message-ID, and the ledger counts it in `in_doubt`.
 */
export function createDeliverMails(options: DeliverMailsOptions): DeliverMails {
  const { db, smtp, renderer, from, sendTimeoutMs, logger, metrics } = options;
  const claimMs = sendTimeoutMs + CLAIM_MARGIN_MS;
  const outcomes = metrics.counter({
    name: 'mails_total',
    help: 'Mail jobs by what became of them',
    labelNames: ['type', 'outcome'],
  });

  const sent = new GroupCommit<string, true>({
    async run(intents) {
      await recordSentHoweverLong(intents);
      return intents.map(() => true);
    },
    // Whatever is not an outage would fail again.
    mayRetryAlone: () => false,
    maxWaitMs: RECORD_WAIT_MS,
    maxRunning: 1,
  });

  /** The server has the mails and only we know it: giving up here would send them again. So this waits until the ledger is back. */
  async function recordSentHoweverLong(intents: readonly string[]): Promise<void> {
    for (;;) {
      try {
        await recordSent(db.primary, intents);
        return;
      } catch (error) {
        if (!isUnavailable(error)) throw error;
        logger.warn('mails sent, the ledger is away', { intents });
        await delay(RECORD_RETRY_MS);
      }
    }
  }

  async function deliver({ type, data: job }: Delivery, messageId: string, claimed: Claim | undefined): Promise<void> {
    if (claimed === undefined) throw new Error(`the ledger did not say who has ${job.intent} in hand`);
    if (claimed === 'busy') throw new RetryLater('another sender has this mail in hand', { delayMs: claimMs });
    if (claimed !== 'claimed') {
      outcomes.inc({ type, outcome: claimed === 'stale' ? 'stale' : 'duplicate' });
      logger.info('mail not sent', { intent: job.intent, outcome: claimed });
      return;
    }
    try {
      await smtp.send({ from, to: job.to, messageId, ...renderer.render(type, job) });
    } catch (error) {
      if (error instanceof SmtpAway) {
        await recordFailure(db.primary, job.intent, { status: 'deferred', error: error.message });
        throw new WaitInPlace(error.message, { cause: error });
      }
      const permanent = error instanceof SmtpRefused;
      const reason = error instanceof Error ? error.message : String(error);
      outcomes.inc({ type, outcome: permanent ? 'failed' : 'deferred' });
      await recordFailure(db.primary, job.intent, { status: permanent ? 'failed' : 'deferred', error: reason });
      if (permanent) throw new RejectMessage(reason, { cause: error });
      throw new RetryLater(reason, { cause: error });
    }
    await sent.submit(job.intent);
    outcomes.inc({ type, outcome: 'sent' });
    logger.info('mail sent', { intent: job.intent });
  }

  return async (jobs) => {
    // Before the claims: whoever waits must not have mails in hand meanwhile.
    if (smtp.isAway()) throw new WaitInPlace('the mail server is away');
    // Copies of one job share its fate.
    const distinct = new Map(jobs.map((job) => [job.data.intent, { job, mail: intentOf(job, from) }]));
    const mails = [...distinct.values()].map(({ mail }) => mail);
    const claims = await claim(db.primary, mails, claimMs);
    const deliveries = [...distinct].map(([intent, { job, mail }]) => deliver(job, mail.messageId, claims.get(intent)));
    const errors = (await Promise.allSettled(deliveries)).flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason] : [],
    );
    // A mail that was tried and failed takes its next step; were it to wait with those that were not, it could hold them up for ever.
    if (errors.length > 0) throw errors.find((error) => !(error instanceof WaitInPlace)) ?? errors[0];
  };
}

function intentOf({ type, data }: Delivery, from: string): Intent {
  return {
    intent: data.intent,
    type,
    recipient: data.to,
    messageId: messageIdOf(data.intent, from),
    notAfter: data.not_after,
  };
}

/** The same intent always has the same Message-ID, so that a mailbox can tell a repeated mail. */
function messageIdOf(intent: string, from: string): string {
  const domain = /@([^\s>]+)/.exec(from)?.[1] ?? 'localhost';
  return `<${createHash('sha256').update(intent).digest('hex').slice(0, 32)}@${domain}>`;
}
