import { type Command, type CommandInput, locked } from '../command.ts';
import { untilReady } from '../probes.ts';
import { ensureSecrets } from '../secrets.ts';
import { createSteps } from '../steps.ts';
import { postgresRoles } from './nodes.ts';
import { promote, readinessOf } from './promote.ts';
import { copyAnew } from './rejoin.ts';
import { watchPrimary } from './watch-primary.ts';

const COPY_LIMIT_MS = 120_000;

/** Commands about who is Postgres' primary. */
export const FAILOVER_COMMANDS: Readonly<Record<string, Command>> = {
  promote: {
    usage: '[--accept-loss]',
    about: "make Postgres' replica the primary, and the primary none",
    needsStack: true,
    run: (input) =>
      locked(input, () =>
        promote(input.settings, ensureSecrets(input.settings), { mayLose: input.acceptLoss }, createSteps(input.write)),
      ),
  },
  rejoin: {
    usage: '',
    about: 'make the former primary the replica, from a fresh copy',
    needsStack: true,
    run: (input) => locked(input, () => rejoin(input)),
  },
  'watch-primary': {
    usage: '',
    about: 'promote when the primary is lost (a stack with FAILOVER=automatic runs it)',
    needsStack: true,
    run: watchPrimary,
  },
};

async function rejoin({ settings, write }: CommandInput): Promise<void> {
  const secrets = ensureSecrets(settings);
  const { primary, replica } = postgresRoles(settings);
  const { label, probe } = readinessOf(settings, secrets, replica.name);
  await createSteps(write).step(label, async () => {
    // The primary needs the slot through which the copy is made.
    await untilReady(readinessOf(settings, secrets, primary.name).probe, { limitMs: COPY_LIMIT_MS });
    await copyAnew(settings, replica);
    await untilReady(probe, { limitMs: COPY_LIMIT_MS });
  });
}
