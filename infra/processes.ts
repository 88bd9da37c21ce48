import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { StackSettings } from './stack-settings.ts';
import { HOME_MARKER } from './supervisor-config.ts';

export type ProcessInfo = { pid: number; name: string };

/** Servers that overwrite their environment; they are known by where they work instead. */
const SERVER_NAMES = new Set([
  'postgres',
  'pgpool',
  'beam.smp',
  'epmd',
  'java',
  'redis-server',
  'haproxy',
  'erl_child_setup',
  'inet_gethost',
  'supervisord',
]);
const END_LIMIT_MS = 10_000;

/** Processes of this stack that still live, whoever is their parent: by the marker in their environment or by working folder. */
export function stackProcesses(settings: StackSettings): ProcessInfo[] {
  const marker = `${HOME_MARKER}=${settings.home}`;
  return numericFolders().flatMap((pid) => {
    const name = read(`/proc/${pid}/comm`).trim();
    const isMarked = read(`/proc/${pid}/environ`).split('\0').includes(marker);
    const isServerInside = SERVER_NAMES.has(name) && `${link(`/proc/${pid}/cwd`)}/`.startsWith(`${settings.home}/`);
    return pid !== process.pid && (isMarked || isServerInside) ? [{ pid, name }] : [];
  });
}

/**
 * Ends processes of the stack that no supervisord looks after: those that a killed supervisord, or a killed parent, left
 * behind. `supervisorPid` is the running supervisord, if there is one. Returns what it ended.
 */
export async function endLeftovers(settings: StackSettings, supervisorPid?: number): Promise<ProcessInfo[]> {
  const leftovers = () => {
    // Looked at in this order, so that a process born in between is not mistaken for one that nobody looks after.
    const all = stackProcesses(settings);
    const cared = new Set(supervisorPid === undefined ? [] : descendants(supervisorPid));
    return all.filter(({ pid }) => !cared.has(pid));
  };
  const found = leftovers();
  const deadline = Date.now() + END_LIMIT_MS;
  // Postgres takes SIGINT as its fast shutdown; at the deadline nothing is asked any more.
  signalAll(
    found.filter(({ name }) => name === 'postgres'),
    'SIGINT',
  );
  signalAll(
    found.filter(({ name }) => name !== 'postgres'),
    'SIGTERM',
  );
  while (leftovers().length > 0 && Date.now() < deadline) await delay(100);
  signalAll(leftovers(), 'SIGKILL');
  return found;
}

/** Kills what Postgres has left at work in a data folder; its processes work there, even when the folder is removed. */
export function killPostgresIn(folder: string): number {
  const found = numericFolders().flatMap((pid) => {
    const name = read(`/proc/${pid}/comm`).trim();
    return name === 'postgres' && isBelow(link(`/proc/${pid}/cwd`), folder) ? [{ pid, name }] : [];
  });
  signalAll(found, 'SIGKILL');
  return found.length;
}

/** A removed or moved folder is shown by the kernel with a word behind its name. */
function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`) || path === `${folder} (deleted)`;
}

/** A process and everything below it. */
export function descendants(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const pid of numericFolders()) {
    // The name (column 2, in parentheses) may contain spaces; the parent is the second column after it.
    const parent = Number(read(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ')[1]);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found = [root];
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}

/** Resident memory in bytes: rss counts shared pages once per process, pss divides them among their users. */
export function memoryOf(pid: number): { rssBytes: number; pssBytes: number } {
  const rollup = read(`/proc/${pid}/smaps_rollup`);
  const value = (key: string) => Number(new RegExp(`^${key}:\\s+(\\d+) kB`, 'm').exec(rollup)?.[1] ?? 0) * 1024;
  return { rssBytes: value('Rss'), pssBytes: value('Pss') };
}

/** Who listens on a TCP port of this machine, as far as the caller may see it. */
export function portOwner(port: number): string | undefined {
  const inodes = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) =>
    read(table)
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      // Column 1 is the local address in hexadecimal, column 3 the state (0A = listening), column 9 the socket's inode.
      .filter((columns) => columns[3] === '0A' && Number.parseInt(columns[1]?.split(':').at(-1) ?? '', 16) === port)
      .map((columns) => `socket:[${columns[9]}]`),
  );
  if (inodes.length === 0) return undefined;
  for (const pid of numericFolders()) {
    const isOwner = list(`/proc/${pid}/fd`).some((fd) => inodes.includes(link(`/proc/${pid}/fd/${fd}`)));
    if (isOwner)
      return `process ${pid} (${read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim().slice(0, 80)})${stackOf(pid)}`;
  }
  return undefined;
}

/** Says so when a process belongs to another stack, which `make down` can end. */
function stackOf(pid: number): string {
  const home = read(`/proc/${pid}/environ`)
    .split('\0')
    .find((entry) => entry.startsWith(`${HOME_MARKER}=`));
  return home ? ` of the stack ${basename(home)} (make down STACK=${basename(home)})` : '';
}

function signalAll(processes: readonly ProcessInfo[], signal: NodeJS.Signals): void {
  for (const { pid } of processes) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      // It ended in the meantime.
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  }
}

function numericFolders(): number[] {
  return list('/proc').map(Number).filter(Number.isInteger);
}

/** Processes come and go, and others' are closed to us: what cannot be read is empty. */
function read(path: string): string {
  return orDefault('', () => readFileSync(path, 'utf8'));
}

function link(path: string): string {
  return orDefault('', () => readlinkSync(path));
}

function list(path: string): string[] {
  return orDefault([], () => readdirSync(path));
}

function orDefault<T>(fallback: T, look: () => T): T {
  try {
    return look();
  } catch (error) {
    if (error instanceof Error && 'code' in error) return fallback;
    throw error;
  }
}
