import { spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { type Command, type CommandInput, locked } from './command.ts';
import { stackEnvironment } from './connections.ts';
import { untilReady } from './probes.ts';
import { rabbitmqFolder } from './rabbitmq/rabbitmq.ts';
import { serverReadiness } from './readiness.ts';
import { ensureSecrets } from './secrets.ts';
import { serviceReadiness } from './service-tasks.ts';
import { stackPlan, writePlan } from './stack-plan.ts';
import type { StackSettings } from './stack-settings.ts';
import { programStates, signalProgram, startProgram, startSupervisor, stopProgram } from './supervisor.ts';
import { logFile } from './supervisor-config.ts';
import { UserError } from './user-error.ts';

const READY_LIMIT_MS = 60_000;

/** Commands about single programs, mostly to play faults. */
export const PROGRAM_COMMANDS: Readonly<Record<string, Command>> = {
  logs: {
    usage: '[PROGRAM] [--follow] [--lines N]',
    about: 'the end of one log or of all',
    needsStack: true,
    run: async ({ settings, args, lines, follow }) => {
      const names = args[0] ? [args[0]] : [...((await programStates(settings))?.keys() ?? [])];
      const files = names.map((name) => logFile(settings, name)).filter((file) => existsSync(file));
      if (files.length === 0)
        throw new UserError(`There is no log of ${args[0] ?? 'this stack'}`, `Logs are in ${settings.folders.log}`);
      await inForeground(['tail', '-n', String(lines), ...(follow ? ['-F'] : []), ...files]);
    },
  },
  start: {
    usage: 'PROGRAM',
    about: 'start a program and wait until it is ready',
    run: async (input) => {
      await startProgram(input.settings, programName(input));
      await untilProgramReady(input.settings, programName(input));
    },
  },
  stop: {
    usage: 'PROGRAM',
    about: 'stop a program as `down` would',
    run: (input) => stopProgram(input.settings, programName(input)),
  },
  kill: {
    usage: 'PROGRAM',
    about: 'kill -9 a program; supervisord starts it again',
    run: (input) => signalProgram(input.settings, programName(input), 'KILL'),
  },
  'with-env': {
    usage: '-- COMMAND…',
    about: "run a command with the stack's addresses in its environment",
    needsStack: true,
    run: async ({ settings, args, lastTimeScale }) => {
      const env = { ...process.env, ...stackEnvironment(settings, ensureSecrets(settings), lastTimeScale) };
      return (await inForeground(args, env)) === 0;
    },
  },
  apply: {
    usage: '',
    about: 'restart the programs whose variables changed (SERVICE_ENV), without waiting; all others stay as they are',
    needsStack: true,
    run: (input) =>
      locked(input, async () => {
        const { settings, lastTimeScale, write } = input;
        await writePlan(settings, stackPlan(settings, ensureSecrets(settings), { timeScale: lastTimeScale }));
        const { restarted } = await startSupervisor(settings);
        for (const name of restarted) await startProgram(settings, name);
        write(restarted.length > 0 ? `Restarted: ${restarted.join(' ')}` : 'Nothing has changed.');
      }),
  },
  'wipe-rabbitmq': {
    usage: '',
    about: 'remove all of RabbitMQ: queues, messages, users; and start it empty',
    run: (input) =>
      locked(input, async () => {
        await stopProgram(input.settings, 'rabbitmq');
        rmSync(rabbitmqFolder(input.settings) + '/mnesia', { recursive: true, force: true });
        await startProgram(input.settings, 'rabbitmq');
        await untilProgramReady(input.settings, 'rabbitmq');
      }),
  },
};

export async function restartProgram({ settings }: CommandInput, name: string): Promise<void> {
  await stopProgram(settings, name);
  await startProgram(settings, name);
  await untilProgramReady(settings, name);
}

async function untilProgramReady(settings: StackSettings, name: string): Promise<void> {
  const all = [...serverReadiness(settings, ensureSecrets(settings)), ...serviceReadiness(settings)];
  const target = all.find(({ programs }) => programs[0] === name);
  if (target) await untilReady(target.probe, { limitMs: READY_LIMIT_MS });
}

/** Runs a command on the caller's terminal until it ends; Ctrl-C is the command's. */
export function inForeground(
  command: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
  cwd?: string,
): Promise<number> {
  const [program = '', ...args] = command;
  const ignore = () => undefined;
  process.on('SIGINT', ignore);
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: 'inherit', env, cwd });
    child.on('error', reject);
    child.on('close', (code) => {
      process.off('SIGINT', ignore);
      resolve(code ?? 0);
    });
  });
}

function programName({ args }: CommandInput): string {
  if (args[0]) return args[0];
  throw new UserError('Which program?', 'Name one of those that `make status` lists.');
}
