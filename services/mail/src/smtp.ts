import { DependencyUnavailable, type Policies } from '@punctual/resilience';
import { createTransport } from 'nodemailer';

const CONNECT_TIMEOUT_MS = 10_000;
const GREETING_TIMEOUT_MS = 10_000;
const SOCKET_TIMEOUT_MS = 30_000;
/** A pooled connection is replaced after so many mails, so that a load balancer's changes are noticed. */
const MAILS_PER_CONNECTION = 100;
/** Less than a batch of mails, so that an outage is known after one. */
const BREAK_AFTER = 5;
const SERVER_IS_CLOSING = 421;

export type OutgoingMail = { from: string; to: string; messageId: string; subject: string; html: string; text: string };

/** The server answered that it will never take this mail (5xx): trying again is of no use. */
export class SmtpRefused extends Error {
  override readonly name = 'SmtpRefused';
}

/** The server was not asked, since it is known to be away: nothing is wrong with the mail, and it was not sent. */
export class SmtpAway extends Error {
  override readonly name = 'SmtpAway';
}

export type SmtpSender = {
  /** Whether send() would throw SmtpAway at once. */
  isAway(): boolean;
  /** Resolves when the server has taken the mail. Rejects with SmtpRefused (5xx), SmtpAway or another error (try again later). */
  send(mail: OutgoingMail): Promise<void>;
  close(): void;
};

export function createSmtpSender(options: {
  host: string;
  port: number;
  connections: number;
  sendTimeoutMs: number;
  policies: Policies;
}): SmtpSender {
  const transport = createTransport({
    host: options.host,
    port: options.port,
    pool: true,
    maxConnections: options.connections,
    maxMessages: MAILS_PER_CONNECTION,
    connectionTimeout: CONNECT_TIMEOUT_MS,
    greetingTimeout: GREETING_TIMEOUT_MS,
    socketTimeout: SOCKET_TIMEOUT_MS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });

  // Nothing is repeated here: a mail whose sending took too long may have been sent, and the ledger has the say on that.
  const policy = options.policies.create('smtp', {
    timeoutMs: options.sendTimeoutMs,
    concurrency: options.connections,
    breakAfter: BREAK_AFTER,
    judge: (error) => (isAboutTheMail(error) && error.responseCode !== SERVER_IS_CLOSING ? 'answered' : 'failed'),
  });

  return {
    isAway: () => policy.state === 'open',
    async send(mail) {
      try {
        // An address object is taken as it is; a string would be parsed and could smuggle in a second recipient.
        await policy.execute(() => transport.sendMail({ ...mail, to: { name: '', address: mail.to } }));
      } catch (error) {
        if (isPermanent(error)) throw new SmtpRefused(error.message, { cause: error });
        if (error instanceof DependencyUnavailable && error.reason !== 'timeout') {
          throw new SmtpAway(error.message, { cause: error });
        }
        throw error;
      }
    },
    close() {
      transport.close();
    },
  };
}

type SmtpAnswer = Error & { readonly responseCode: number };

/** An answer to the mail itself. One to the greeting or to our login is the server's trouble, not the mail's. */
function isAboutTheMail(error: unknown): error is SmtpAnswer {
  if (!(error instanceof Error) || !('responseCode' in error) || typeof error.responseCode !== 'number') return false;
  return 'code' in error && (error.code === 'EENVELOPE' || error.code === 'EMESSAGE');
}

function isPermanent(error: unknown): error is SmtpAnswer {
  return isAboutTheMail(error) && error.responseCode >= 500;
}
