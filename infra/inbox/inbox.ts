/**
 * The inbox of the native stack: maildev with a bound on how many mails it keeps, since it holds every mail in memory.
 * Started as: node inbox.ts SMTP_PORT WEB_PORT MAIL_FOLDER MOST_MAILS
 */
import { createRequire } from 'node:module';

type Mail = { id: string; time: Date };
type MailDev = {
  listen(): void;
  on(event: 'new', listener: () => void): void;
  getAllEmail(done: (error: Error | null, mails: Mail[]) => void): void;
  deleteEmail(id: string, done: (error: Error | null) => void): void;
  close(done: () => void): void;
};

const [smtpPort, webPort, folder, mostMails] = process.argv.slice(2);
const Maildev = createRequire(import.meta.url)('maildev') as new (options: object) => MailDev;
const maildev = new Maildev({
  smtp: Number(smtpPort),
  ip: '127.0.0.1',
  web: Number(webPort),
  webIp: '127.0.0.1',
  mailDirectory: folder,
  disableMetrics: true,
  silent: true,
});

maildev.on('new', removeOldest);
maildev.listen();

/** Mails arrive at the end of maildev's list, so the first ones are the oldest. */
function removeOldest(): void {
  maildev.getAllEmail((error, mails) => {
    if (error) throw error;
    for (const mail of mails.slice(0, Math.max(0, mails.length - Number(mostMails)))) {
      maildev.deleteEmail(mail.id, (failure) => {
        if (failure) process.stderr.write(`Could not remove mail ${mail.id}: ${failure.message}\n`);
      });
    }
  });
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => process.exit(0));
}
