import { type Command, type CommandInput, locked } from './command.ts';
import { forgetPrepared } from './prepare-databases.ts';
import { inForeground } from './program-commands.ts';
import { ensureSecrets } from './secrets.ts';
import { presentServices, serviceEnvironment, serviceMain } from './service-programs.ts';
import { runEverywhere, seedServices } from './service-tasks.ts';
import { DATABASE_SERVICES, isDatabaseService, isService, SERVICES, type ServiceName } from './services.ts';
import { pinnedNode } from './stack-plan.ts';
import { createSteps } from './steps.ts';
import { programStates, startProgram, stopProgram } from './supervisor.ts';
import { logFile } from './supervisor-config.ts';
import { up } from './up.ts';
import { UserError } from './user-error.ts';

/** Commands about the shop's services. */
export const SERVICE_COMMANDS: Readonly<Record<string, Command>> = {
  'migrate-up': {
    usage: '[SERVICE]',
    about: "apply one service's migrations, or everyone's",
    run: (input) => locked(input, () => migrate(input, 'migrate-up')),
  },
  'migrate-down': {
    usage: '[SERVICE]',
    about: 'take back the latest migration of one service, or of each',
    run: (input) => locked(input, () => migrate(input, 'migrate-down')),
  },
  seed: {
    usage: '',
    about: 'put in the demo logins and the small catalog',
    run: async (input) => {
      await requireServers(input);
      await seedServices(input.settings, ensureSecrets(input.settings), createSteps(input.write));
    },
  },
  run: {
    usage: 'SERVICE [COMMAND…]',
    about: 'run a service here in the foreground, in place of the one in the stack',
    run: runHere,
  },
  dev: {
    usage: '[SERVICE]',
    about: 'run one service, or all, with hot reload, and follow the log until Ctrl-C',
    run: develop,
  },
};

async function migrate(input: CommandInput, command: 'migrate-up' | 'migrate-down'): Promise<void> {
  await requireServers(input);
  const name = input.args[0];
  if (name && !isDatabaseService(name))
    throw new UserError(`${name} has no database`, `One of: ${DATABASE_SERVICES.join(' ')}`);
  const services = name && isDatabaseService(name) ? [name] : DATABASE_SERVICES;
  const task = { services, command: [command], label: command };
  forgetPrepared(input.settings);
  await runEverywhere(input.settings, ensureSecrets(input.settings), createSteps(input.write), task);
}

async function runHere(input: CommandInput): Promise<boolean> {
  const { settings, args, lastTimeScale } = input;
  await requireServers(input);
  const service = serviceName(args[0]);
  const command = args.length > 1 ? args.slice(1) : ['all'];
  const wasRunning = ((await programStates(settings))?.get(service)?.pid ?? 0) > 0;
  // Two cannot listen on one port; a task such as a rebuild works beside the running service.
  const replaces = wasRunning && ['all', 'api'].includes(command[0] ?? '');
  if (replaces) await stopProgram(settings, service);
  try {
    const env: NodeJS.ProcessEnv = {
      ...process.env,
      ...serviceEnvironment(settings, ensureSecrets(settings), service, lastTimeScale),
    };
    if (command[0] === 'reindex' && env.OPENSEARCH_URL === undefined)
      throw new UserError(`The stack ${settings.name} has no OpenSearch`, 'Start it with: make up PROFILE=full');
    return (
      (await inForeground([pinnedNode(settings), serviceMain(settings, service), ...command], env, settings.repo)) === 0
    );
  } finally {
    if (replaces) await startProgram(settings, service);
  }
}

async function develop(input: CommandInput): Promise<void> {
  const { settings, args, write, lastTimeScale } = input;
  const timeScale = process.env.TIME_SCALE ? input.timeScale : lastTimeScale;
  const watch: ServiceName[] = args[0] ? [serviceName(args[0])] : presentServices(settings);
  await locked(input, () => up(settings, { profile: 'all', timeScale, watch }, createSteps(write)));
  write(`\nChanges of the source restart ${watch.join(' ')}. Ctrl-C ends this and runs them plainly again.\n`);
  await inForeground(['tail', '-n', '5', '-F', ...watch.map((service) => logFile(settings, service))]);
  await locked(input, () => up(settings, { profile: 'all', timeScale }, createSteps(write)));
}

function serviceName(name: string | undefined): ServiceName {
  if (name !== undefined && isService(name)) return name;
  throw new UserError(`There is no service ${name ?? '(none named)'}`, `One of: ${SERVICES.join(' ')}`);
}

async function requireServers({ settings }: CommandInput): Promise<void> {
  if ((await programStates(settings)) === undefined) {
    throw new UserError(`The stack ${settings.name} is not running`, 'Start it with: make up');
  }
}
