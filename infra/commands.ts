import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { stackEnvironment } from './connections.ts';
import { down } from './down.ts';
import { withStackLock } from './lock.ts';
import { rabbitmqFolder } from './rabbitmq/rabbitmq.ts';
import { ensureSecrets } from './secrets.ts';
import type { StackSettings } from './stack-settings.ts';
import { createSteps } from './steps.ts';
import { programStates, signalProgram, startProgram, stopProgram } from './supervisor.ts';
import { logFile } from './supervisor-config.ts';
import { up } from './up.ts';
import { UserError } from './user-error.ts';

export type CommandInput = {
  settings: StackSettings;
  args: readonly string[];
  profile: 'servers' | 'all';
  json: boolean;
  watch: string | undefined;
  lines: number;
  follow: boolean;
  timeScale: number;
  /** The scale that the last `up` was given. */
  lastTimeScale: number;
  write: (line: string) => void;
};

export type Command = {
  usage: string;
  about: string;
  needsStack?: boolean;
  takesStackName?: boolean;
  run(input: CommandInput): Promise<void>;
};

export const COMMANDS: Readonly<Record<string, Command>> = {
  up: {
    usage: '[--profile servers|all]',
    about: 'install what is missing, start everything, wait until it is ready',
    run: (input) => locked(input, () => bringUp(input)),
  },
  down: { usage: '', about: 'stop everything; data stays', run: (input) => locked(input, () => down(input.settings, input.write)) },
  env: {
    usage: '[STACK] [--json]',
    about: "print the stack's addresses and credentials",
    needsStack: true,
    takesStackName: true,
    run: async ({ settings, json, lastTimeScale, write }) => {
      const environment = stackEnvironment(settings, ensureSecrets(settings), lastTimeScale);
      write(json ? JSON.stringify(environment, null, 2) : Object.entries(environment).map(([key, value]) => `${key}=${value}`).join('\n'));
    },
  },
  status: {
    usage: '',
    about: 'what runs, since when',
    run: async ({ settings, write }) => {
      const states = await programStates(settings);
      if (!states) return write(`The stack ${settings.name} is not running.`);
      for (const { name, state, pid, uptimeSeconds } of states.values()) write(`${name.padEnd(18)} ${state.padEnd(9)} ${String(pid).padStart(7)} ${uptimeSeconds} s`);
    },
  },
};

async function bringUp({ settings, profile, timeScale, watch, write }: CommandInput): Promise<void> {
  const steps = createSteps(write);
  write(`Stack ${settings.name}`);
  await up(settings, { profile, timeScale, ...(watch ? { watch: watch.split(',') } : {}) }, steps);
  write(`Ready after ${steps.elapsedSeconds()}.`);
}

function locked(input: CommandInput, work: () => Promise<void>): Promise<void> {
  return withStackLock(input.settings.home, (holder) => input.write(`Waiting for another command on this stack (${holder}).`), work);
}
