import { join } from 'node:path';
import type { Program } from '../program.ts';
import type { StackSettings } from '../stack-settings.ts';

/** A mail may be a second later when orders keep the machine busy. */
export const MAIL_NICENESS = 10;

/** Older mails are removed; about 60 KB of memory each. */
const MOST_MAILS = 2000;

/** Where every mail of the stack arrives: SMTP, a page and a REST API (maildev). */
export function inbox(settings: StackSettings, node: string): Program {
  const { ports, folders, repo } = settings;
  return {
    name: 'inbox',
    kind: 'server',
    command: [
      node,
      '--max-old-space-size=160',
      '--max-semi-space-size=2',
      join(repo, 'infra', 'inbox', 'inbox.ts'),
      String(ports.smtp),
      String(ports.inbox),
      join(folders.data, 'inbox'),
      String(MOST_MAILS),
    ],
    cwd: repo,
    env: {},
    ports: ['smtp', 'inbox'],
    priority: 10,
    niceness: MAIL_NICENESS,
  };
}
