import { existsSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { run } from './run.ts';
import type { StackSettings } from './stack-settings.ts';
import { HOME_MARKER, logFile, supervisorConfigFile, supervisorSocket } from './supervisor-config.ts';
import { UserError } from './user-error.ts';
import { callRpc, RpcFault, type RpcValue } from './xml-rpc.ts';

export type ProgramState = {
  name: string;
  /** supervisord's word: RUNNING, STARTING, BACKOFF, STOPPED, STOPPING, EXITED, FATAL, UNKNOWN. */
  state: string;
  pid: number;
  uptimeSeconds: number;
};

const RPC_TIMEOUT_MS = 90_000;
const START_LIMIT_MS = 15_000;
const STOP_LIMIT_MS = 90_000;
const POLL_MS = 50;

/** XML-RPC fault codes of supervisord that mean "it is so already". */
const ALREADY_STARTED = 60;
const NOT_RUNNING = 70;
const BAD_NAME = 10;
const ALREADY_ADDED = 90;
/** Answered to the removal of a program that has not ended yet, such as one that somebody else is stopping or starting. */
const STILL_RUNNING = 91;
/** Answered while supervisord is stopping its programs. */
const SHUTDOWN_STATE = 6;

/** States of every program by name; undefined when the stack's supervisord is not running. */
export async function programStates(settings: StackSettings): Promise<Map<string, ProgramState> | undefined> {
  if (!existsSync(supervisorSocket(settings))) return undefined;
  try {
    const all = (await call(settings, 'getAllProcessInfo')) as { [name: string]: RpcValue }[];
    return new Map(
      all.map((info) => {
        const pid = Number(info.pid);
        const uptimeSeconds = pid > 0 ? Number(info.now) - Number(info.start) : 0;
        return [String(info.name), { name: String(info.name), state: String(info.statename), pid, uptimeSeconds }];
      }),
    );
  } catch (error) {
    if (isAway(error)) return undefined;
    // Somebody else has just asked it to end; what comes after that is what the caller means.
    if (!(error instanceof RpcFault && error.faultCode === SHUTDOWN_STATE)) throw error;
    await untilGone(settings);
    return undefined;
  }
}

/** Process id of the running supervisord. */
export async function supervisorPid(settings: StackSettings): Promise<number> {
  return Number(await call(settings, 'getPID'));
}

async function untilGone(settings: StackSettings): Promise<void> {
  const answers = async () => {
    try {
      await callRpc(supervisorSocket(settings), 'supervisor.getState', [], RPC_TIMEOUT_MS);
      return true;
    } catch (error) {
      if (isAway(error)) return false;
      if (error instanceof RpcFault) return true;
      throw error;
    }
  };
  await waitFor(
    STOP_LIMIT_MS,
    async () => !(await answers()),
    () => 'supervisord did not end in time',
  );
  rmSync(supervisorSocket(settings), { force: true });
}

/** Starts supervisord, or has the running one take up a changed configuration: only changed programs are restarted. */
export async function startSupervisor(settings: StackSettings): Promise<{ restarted: string[] }> {
  if ((await programStates(settings)) !== undefined) return reload(settings);
  rmSync(supervisorSocket(settings), { force: true });
  const { code, output } = await run(['/usr/bin/supervisord', '-c', supervisorConfigFile(settings)], {
    timeoutMs: START_LIMIT_MS,
    // Nothing of the caller's environment may reach the servers, whoever starts them.
    env: cleanEnvironment(settings),
    cwd: '/',
  });
  if (code !== 0)
    throw new UserError(`supervisord did not start:\n${output.trim()}`, 'Put this right, then run the command again.');
  await waitFor(
    START_LIMIT_MS,
    async () => (await programStates(settings)) !== undefined,
    () => {
      const log = logFile(settings, 'supervisord');
      return `supervisord does not answer; the end of ${log}:\n${existsSync(log) ? readFileSync(log, 'utf8').slice(-1500) : '(empty)'}`;
    },
  );
  return { restarted: [] };
}

async function reload(settings: StackSettings): Promise<{ restarted: string[] }> {
  const running = await programStates(settings);
  const [changes] = (await call(settings, 'reloadConfig')) as [string[], string[], string[]][];
  const [added = [], changed = [], removed = []] = changes ?? [];
  await Promise.all([...changed, ...removed].map((name) => stopAndRemove(settings, name)));
  for (const name of [...added, ...changed]) await tolerate(ALREADY_ADDED, call(settings, 'addProcessGroup', name));
  return { restarted: changed.filter((name) => (running?.get(name)?.pid ?? 0) > 0) };
}

async function stopAndRemove(settings: StackSettings, name: string): Promise<void> {
  const tryOnce = async (): Promise<boolean> => {
    await call(settings, 'stopProcessGroup', name, true);
    try {
      await call(settings, 'removeProcessGroup', name);
      return true;
    } catch (error) {
      if (error instanceof RpcFault && error.faultCode === STILL_RUNNING) return false;
      throw error;
    }
  };
  await waitFor(STOP_LIMIT_MS, tryOnce, () => `${name} did not end in time`);
}

/** Asks for a start without waiting for it; what runs already is left alone. */
export async function startProgram(settings: StackSettings, name: string): Promise<void> {
  await tolerate(ALREADY_STARTED, call(settings, 'startProcess', name, false));
}

/** Stops a program and waits until it is gone. */
export async function stopProgram(settings: StackSettings, name: string): Promise<void> {
  await tolerate(NOT_RUNNING, call(settings, 'stopProcess', name, true));
}

/** Asks for a stop without waiting for it: from now on the program is not started again when it ends. */
export async function askToStop(settings: StackSettings, name: string): Promise<void> {
  await tolerate(NOT_RUNNING, call(settings, 'stopProcess', name, false));
}

export async function signalProgram(settings: StackSettings, name: string, signal: string): Promise<void> {
  await call(settings, 'signalProcess', name, signal);
}

/** Stops everything, supervisord last. */
export async function shutdownSupervisor(settings: StackSettings): Promise<void> {
  await call(settings, 'shutdown');
  await untilGone(settings);
}

async function call(settings: StackSettings, method: string, ...args: RpcValue[]): Promise<RpcValue> {
  try {
    return await callRpc(supervisorSocket(settings), `supervisor.${method}`, args, RPC_TIMEOUT_MS);
  } catch (error) {
    if (error instanceof RpcFault && error.faultCode === BAD_NAME) {
      const names = [...((await programStates(settings))?.keys() ?? [])].join(' ');
      throw new UserError(
        `There is no program of this name (${error.message})`,
        `The programs of this stack: ${names}`,
      );
    }
    if (isAway(error) && method !== 'getAllProcessInfo') {
      throw new UserError(`The stack ${settings.name} is not running`, 'Start it with: make up');
    }
    throw error;
  }
}

async function tolerate(faultCode: number, result: Promise<RpcValue>): Promise<void> {
  try {
    await result;
  } catch (error) {
    if (!(error instanceof RpcFault && error.faultCode === faultCode)) throw error;
  }
}

function isAway(error: unknown): boolean {
  return (
    error instanceof Error && 'code' in error && ['ENOENT', 'ECONNREFUSED', 'ECONNRESET'].includes(String(error.code))
  );
}

function cleanEnvironment(settings: StackSettings): Record<string, string | undefined> {
  const cleared = Object.fromEntries(Object.keys(process.env).map((name) => [name, undefined]));
  return {
    ...cleared,
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: process.env.HOME,
    LANG: 'C.UTF-8',
    [HOME_MARKER]: settings.home,
    // The services speak UTC; so do the servers' logs.
    TZ: 'UTC',
  };
}

async function waitFor(limitMs: number, isDone: () => Promise<boolean>, complaint: () => string): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await isDone())) {
    if (Date.now() > deadline) throw new UserError(complaint(), 'Look at the stack with: make status');
    await delay(POLL_MS);
  }
}
