import { dirname, join } from 'node:path';
import type { Program } from '../program.ts';
import type { StackSettings } from '../stack-settings.ts';

/** The program that promotes the replica by itself, in a stack that asks for it. */
export function failoverPrograms(settings: StackSettings, node: string): Program[] {
  if (settings.failover !== 'automatic') return [];
  return [
    {
      name: 'failover',
      kind: 'server',
      command: [
        node,
        '--max-old-space-size=64',
        '--max-semi-space-size=2',
        join(settings.repo, 'infra', 'stack.ts'),
        'watch-primary',
      ],
      cwd: settings.repo,
      env: {
        STACK: settings.name,
        PUNCTUAL_HOME: dirname(settings.home),
        REPLICATION: settings.replication,
        FAILOVER: settings.failover,
      },
      ports: [],
      // Stops before the servers do, so that the end of a stack is not taken for the loss of its primary.
      priority: 90,
    },
  ];
}
