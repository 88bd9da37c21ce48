import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from './stack.ts';

const KB_PER_MB = 1_024;

/** Megabytes of all processes of a stack. RSS counts pages that processes share once for each; PSS counts them once. */
export type Memory = { rss: number; pss: number };

/** Adds up supervisord and everything below it. */
export function memoryOfStack(settings: Settings): Memory {
  const parents = new Map<number, number>();
  for (const entry of readdirSync('/proc')) {
    const pid = Number(entry);
    const parent = Number.isInteger(pid) ? read(pid, 'status', /^PPid:\s+(\d+)/m) : undefined;
    if (parent !== undefined) parents.set(pid, parent);
  }
  const supervisord = Number(readFileSync(join(settings.STACK_HOME, 'run/supervisord.pid'), 'utf8'));
  let rss = 0;
  let pss = 0;
  for (const pid of parents.keys()) {
    if (!descendsFrom(pid, supervisord, parents)) continue;
    rss += read(pid, 'smaps_rollup', /^Rss:\s+(\d+)/m) ?? 0;
    pss += read(pid, 'smaps_rollup', /^Pss:\s+(\d+)/m) ?? 0;
  }
  return { rss: Math.round(rss / KB_PER_MB), pss: Math.round(pss / KB_PER_MB) };
}

function descendsFrom(pid: number, ancestor: number, parents: ReadonlyMap<number, number>): boolean {
  for (let current: number | undefined = pid; current !== undefined; current = parents.get(current)) {
    if (current === ancestor) return true;
  }
  return false;
}

/** Undefined for a process that has ended meanwhile. */
function read(pid: number, file: string, pattern: RegExp): number | undefined {
  try {
    const found = pattern.exec(readFileSync(`/proc/${pid}/${file}`, 'utf8'))?.[1];
    return found === undefined ? undefined : Number(found);
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH'))
      return undefined;
    throw error;
  }
}
