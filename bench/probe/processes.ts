import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** Linux counts CPU time of processes in hundredths of a second. */
const TICK_MS = 10;
const KB_PER_MB = 1_024;

type Process = { readonly parent: number; readonly cpuMs: number; readonly group: string };
/** CPU time of every process of a stack at one instant. */
export type CpuSnapshot = ReadonlyMap<number, Process>;
/** Megabytes. RSS counts pages that processes share once for each; PSS counts them once. */
export type Memory = { rss: number; pss: number };

/**
 * What a process is called in the report. Postgres' processes tell their database in their title; those of the replica are
 * known by the folder they work in.
 */
export function groupOf({ commandLine, folder }: { commandLine: string; folder: string }): string {
  const service = /services\/(\w+)\/src\/main\.ts/.exec(commandLine)?.[1];
  if (service !== undefined) return service;
  if (/^postgres|\/postgres /.test(commandLine)) {
    if (/replica|standby/.test(folder)) return 'postgres replica';
    if (/walsender/.test(commandLine)) return 'postgres (writers)';
    const database = /^postgres: (?:[\w-]+: )?\S+ (?:\S*[_-])?([a-z0-9]+) \S+\(\d+\)/.exec(commandLine)?.[1];
    return database === undefined ? 'postgres (writers)' : `postgres ${database}`;
  }
  const known: readonly [RegExp, string][] = [
    [/pgpool/, 'pgpool'],
    [/\bjava\b|kafka/, 'kafka'],
    [/beam\.smp|epmd|erl_child|inet_gethost|rabbitmq/, 'rabbitmq'],
    [/redis-server/, 'redis'],
    [/haproxy/, 'haproxy'],
    [/inbox/, 'inbox'],
  ];
  return known.find(([pattern]) => pattern.test(commandLine))?.[1] ?? 'supervisor and others';
}

export function cpuSnapshot(stackHome: string): CpuSnapshot {
  const snapshot = new Map<number, Process>();
  for (const pid of processesOf(stackHome)) {
    // Behind the name in parentheses: state, parent, …; user, system, and both of the children that have ended.
    const columns = read(pid, 'stat').split(') ').at(-1)?.split(' ') ?? [];
    const ticks = columns.slice(11, 15).reduce((sum, text) => sum + Number(text), 0);
    if (columns.length < 15) continue;
    const commandLine = read(pid, 'cmdline').replaceAll('\0', ' ').trim();
    snapshot.set(pid, {
      parent: Number(columns[1]),
      cpuMs: ticks * TICK_MS,
      group: groupOf({ commandLine, folder: folderOf(pid) }),
    });
  }
  return snapshot;
}

/** CPU milliseconds by group between two snapshots. What a process that ended had used is in its parent's time by now. */
export function cpuBetween(before: CpuSnapshot, after: CpuSnapshot): Record<string, number> {
  const used = new Map<string, number>();
  const add = (group: string, ms: number) => used.set(group, (used.get(group) ?? 0) + ms);
  for (const [pid, { group, cpuMs }] of after) add(group, cpuMs - (before.get(pid)?.cpuMs ?? 0));
  for (const [pid, { parent, cpuMs }] of before) {
    const heir = after.get(parent);
    if (!after.has(pid) && heir !== undefined) add(heir.group, -cpuMs);
  }
  return Object.fromEntries([...used].filter(([, ms]) => ms > 0).sort(([, a], [, b]) => b - a));
}

export function memoryOfStack(stackHome: string): Memory {
  let rss = 0;
  let pss = 0;
  for (const pid of processesOf(stackHome)) {
    const rollup = read(pid, 'smaps_rollup');
    rss += Number(/^Rss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0);
    pss += Number(/^Pss:\s+(\d+)/m.exec(rollup)?.[1] ?? 0);
  }
  return { rss: Math.round(rss / KB_PER_MB), pss: Math.round(pss / KB_PER_MB) };
}

/** supervisord and everything below it. */
function processesOf(stackHome: string): number[] {
  const children = new Map<number, number[]>();
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid)) continue;
    const parent = Number(read(pid, 'stat').split(') ').at(-1)?.split(' ')[1]);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found = [Number(readFileSync(join(stackHome, 'run/supervisord.pid'), 'utf8'))];
  for (const pid of found) found.push(...(children.get(pid) ?? []));
  return found;
}

function folderOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch (error) {
    return emptyWhenGone(error);
  }
}

function read(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch (error) {
    return emptyWhenGone(error);
  }
}

/** A process may end while it is looked at. */
function emptyWhenGone(error: unknown): string {
  if (error instanceof Error && 'code' in error && ['ENOENT', 'ESRCH', 'EACCES'].includes(String(error.code)))
    return '';
  throw error;
}
