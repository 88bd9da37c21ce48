import { join } from 'node:path';
import type { Program } from '../program.ts';
import type { StackSettings } from '../stack-settings.ts';
import { UserError } from '../user-error.ts';

/** A mail may be a second later when orders keep the machine busy. */
export const MAIL_NICENESS = 10;

/** Older mails are removed; INBOX_MOST_MAILS is for runs that look at every mail in the end. */
const MOST_MAILS = 2000;
const KB_PER_MAIL = 60;
const LEAST_HEAP_MB = 160;

/** Where every mail of the stack arrives: SMTP, a page and a REST API (maildev). */
export function inbox(settings: StackSettings, node: string): Program {
  const { ports, folders, repo } = settings;
  const mostMails = mailsToKeep(process.env.INBOX_MOST_MAILS);
  const heapMb = Math.max(LEAST_HEAP_MB, Math.ceil((mostMails * KB_PER_MAIL) / 1024));
  return {
    name: 'inbox',
    kind: 'server',
    command: [
      node,
      `--max-old-space-size=${heapMb}`,
      '--max-semi-space-size=2',
      join(repo, 'infra', 'inbox', 'inbox.ts'),
      String(ports.smtp),
      String(ports.inbox),
      join(folders.data, 'inbox'),
      String(mostMails),
    ],
    cwd: repo,
    env: {},
    ports: ['smtp', 'inbox'],
    priority: 10,
    niceness: MAIL_NICENESS,
  };
}

function mailsToKeep(text: string | undefined): number {
  if (!text) return MOST_MAILS;
  const count = Number(text);
  if (Number.isInteger(count) && count > 0) return count;
  throw new UserError(`INBOX_MOST_MAILS=${text} is not a number of mails`, 'For example INBOX_MOST_MAILS=20000.');
}
