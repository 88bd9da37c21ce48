import { type Command, type CommandInput, locked } from './command.ts';
import { stackEnvironment } from './connections.ts';
import { checkHealth, doctor } from './doctor.ts';
import { clean, down } from './down.ts';
import { FAILOVER_COMMANDS } from './postgres/failover-commands.ts';
import { PROGRAM_COMMANDS, restartProgram } from './program-commands.ts';
import { ensureSecrets } from './secrets.ts';
import { SERVICE_COMMANDS } from './service-commands.ts';
import { printStatus } from './status.ts';
import { createSteps } from './steps.ts';
import { addressTable } from './table.ts';
import { up } from './up.ts';

/** Everything that `node infra/stack.ts` can do, in the order in which it is listed. */
export const COMMANDS: Readonly<Record<string, Command>> = {
  up: {
    usage: '[--profile servers|all]',
    about: 'install what is missing, start everything, wait until it is ready',
    run: (input) => locked(input, () => bringUp(input)),
  },
  down: {
    usage: '',
    about: 'stop everything; data stays',
    run: (input) => locked(input, () => down(input.settings, input.write)),
  },
  clean: {
    usage: '',
    about: 'stop everything and remove its data',
    run: (input) => locked(input, () => clean(input.settings, input.write)),
  },
  restart: {
    usage: '[PROGRAM]',
    about: 'restart one program, or everything',
    run: (input) =>
      locked(input, async () => {
        if (input.args[0]) return restartProgram(input, input.args[0]);
        await down(input.settings, input.write);
        await bringUp(input);
      }),
  },
  status: {
    usage: '',
    about: 'what runs, since when, with how much memory',
    run: ({ settings, write }) => printStatus(settings, write),
  },
  health: {
    usage: '',
    about: 'ask every server and service whether it can be used',
    run: ({ settings, write }) => checkHealth(settings, write),
  },
  doctor: {
    usage: '',
    about: 'find what is in the way, and say what to do',
    run: ({ settings, write }) => doctor(settings, write),
  },
  env: {
    usage: '[STACK] [--json]',
    about: "print the stack's addresses and credentials",
    needsStack: true,
    takesStackName: true,
    run: async ({ settings, json, lastTimeScale, write }) => {
      const environment = stackEnvironment(settings, ensureSecrets(settings), lastTimeScale);
      const lines = Object.entries(environment).map(([key, value]) => `${key}=${value}`);
      write(json ? JSON.stringify(environment, null, 2) : lines.join('\n'));
    },
  },
  ...PROGRAM_COMMANDS,
  ...FAILOVER_COMMANDS,
  ...SERVICE_COMMANDS,
  config: {
    usage: 'get|set|unset|audit [KEY] [VALUE]',
    about: 'show and change the settings that services take up while they run',
    needsStack: true,
    // Only this command needs the client of etcd, which takes half a second to load.
    run: async (input) => (await import('./config-command.ts')).runConfig(input),
  },
};

async function bringUp({ settings, profile, timeScale, write }: CommandInput): Promise<void> {
  const steps = createSteps(write);
  write(`Bringing up the stack ${settings.name} (data in ${settings.home})`);
  await up(settings, { profile, timeScale }, steps);
  write(
    `\nReady after ${steps.elapsedSeconds()}.${timeScale === 1 ? '' : ` TIME_SCALE=${timeScale}: a day lasts ${(86_400 / timeScale).toFixed(1)} s.`}\n`,
  );
  for (const line of addressTable(settings, profile)) write(line);
}
