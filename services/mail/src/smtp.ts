import { createTransport } from 'nodemailer';

const CONNECT_TIMEOUT_MS = 10_000;
const GREETING_TIMEOUT_MS = 10_000;
const SOCKET_TIMEOUT_MS = 30_000;
/** A pooled connection is replaced after so many mails, so that a load balancer's changes are noticed. */
const MAILS_PER_CONNECTION = 100;

export type OutgoingMail = { from: string; to: string; messageId: string; subject: string; html: string; text: string };

/** The server answered that it will never take this mail (5xx): trying again is of no use. */
export class SmtpRefused extends Error {
  override readonly name = 'SmtpRefused';
}

export type SmtpSender = {
  /** Resolves when the server has taken the mail. Rejects with SmtpRefused (5xx) or another error (try again later). */
  send(mail: OutgoingMail): Promise<void>;
  close(): void;
};

export function createSmtpSender(options: {
  host: string;
  port: number;
  connections: number;
  sendTimeoutMs: number;
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

  return {
    async send(mail) {
      const timeout = Promise.withResolvers<never>();
      const timer = setTimeout(
        () => timeout.reject(new Error(`the mail server did not finish within ${options.sendTimeoutMs} ms`)),
        options.sendTimeoutMs,
      );
      // An address object is taken as it is; a string would be parsed and could smuggle in a second recipient.
      const sending = transport.sendMail({ ...mail, to: { name: '', address: mail.to } });
      try {
        await Promise.race([sending, timeout.promise]);
      } catch (error) {
        throw isPermanent(error) ? new SmtpRefused(error.message, { cause: error }) : error;
      } finally {
        clearTimeout(timer);
      }
    },
    close() {
      transport.close();
    },
  };
}

/** 5xx to the mail itself. A 5xx to the greeting or to our login is the server's trouble, not the mail's. */
function isPermanent(error: unknown): error is Error {
  if (!(error instanceof Error) || !('responseCode' in error) || typeof error.responseCode !== 'number') return false;
  const aboutTheMail = 'code' in error && (error.code === 'EENVELOPE' || error.code === 'EMESSAGE');
  return aboutTheMail && error.responseCode >= 500;
}
