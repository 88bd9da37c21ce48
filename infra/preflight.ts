import { accessSync, constants, existsSync, mkdirSync, readFileSync, statfsSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname } from 'node:path';
import { portOwner } from './processes.ts';
import type { Program } from './program.ts';
import { DEFAULT_STACK, portsOf, type StackSettings } from './stack-settings.ts';
import { UserError } from './user-error.ts';

const MEGABYTE = 1024 * 1024;
const SERVERS_MEMORY_MB = 1340;
const OPENSEARCH_MEMORY_MB = 900;
const SERVICES_MEMORY_MB = 720;
const FREE_DISK_MB = 2500;
const SUGGESTED_BASES = [29000, 28000, 27000, 26000, 22000, 21000];

/** Whether this machine can run the stack at all. Throws UserError. */
export function checkMachine(settings: StackSettings): void {
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) {
    throw new UserError(
      `The native stack runs on 64-bit Linux (x64 or arm64), not on ${process.platform}/${process.arch}`,
      'Use a Debian 12 machine, virtual machine or container.',
    );
  }
  try {
    mkdirSync(settings.home, { recursive: true });
    accessSync(settings.home, constants.W_OK);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(`The stack's folder cannot be written: ${reason}`, 'Set PUNCTUAL_HOME to a folder of yours.');
  }
  if (settings.serverUser) checkReachable(settings.home, settings.serverUser);
}

/** Postgres does not run as root, so the account it runs as must be able to pass through every folder above its data. */
function checkReachable(home: string, account: string): void {
  for (let folder = home; folder !== '/'; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o001) === 0) {
      throw new UserError(
        `The account ${account} cannot enter ${folder}, but Postgres runs as ${account} when root starts the stack`,
        `Let everyone pass through it (chmod o+x ${folder}), or set PUNCTUAL_HOME to a folder where they may.`,
      );
    }
  }
}

/** Memory and disk for programs that are about to start. */
export function checkRoom(settings: StackSettings, options: { servers: boolean; services: boolean }): void {
  const serversMb = SERVERS_MEMORY_MB + (settings.serverProfile === 'full' ? OPENSEARCH_MEMORY_MB : 0);
  const neededMb = (options.servers ? serversMb : 0) + (options.services ? SERVICES_MEMORY_MB : 0);
  const availableMb = Math.floor(availableMemoryBytes() / MEGABYTE);
  if (availableMb < neededMb) {
    throw new UserError(
      `Too little memory: ${availableMb} MB available, the stack needs about ${neededMb} MB`,
      'Close other programs, or give this machine (container, virtual machine) more memory.',
    );
  }
  const disk = statfsSync(settings.home);
  const freeMb = Math.floor((disk.bavail * disk.bsize) / MEGABYTE);
  if (freeMb < FREE_DISK_MB) {
    throw new UserError(
      `Too little disk: ${freeMb} MB free at ${settings.home}, the stack wants ${FREE_DISK_MB} MB`,
      'Free some space, or set PUNCTUAL_HOME to a folder on a larger disk.',
    );
  }
}

/** A container's own limit counts where it is lower than what the machine has. */
function availableMemoryBytes(): number {
  const available = Number(/^MemAvailable:\s+(\d+) kB/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0) * 1024;
  const limit = readNumber('/sys/fs/cgroup/memory.max');
  const used = readNumber('/sys/fs/cgroup/memory.current');
  return limit === undefined || used === undefined ? available : Math.min(available, limit - used);
}

function readNumber(path: string): number | undefined {
  if (!existsSync(path)) return undefined;
  const value = Number(readFileSync(path, 'utf8').trim());
  return Number.isFinite(value) ? value : undefined;
}

/** Every port of the programs that do not run yet must be free. Names who has those that are not. */
export async function checkPorts(settings: StackSettings, programs: readonly Program[]): Promise<void> {
  const wanted = programs.flatMap((program) =>
    program.ports.map((name) => ({ program: program.name, port: settings.ports[name] })),
  );
  const taken: string[] = [];
  for (const { program, port } of wanted) {
    if (await isFree(port)) continue;
    taken.push(
      `Port ${port} (for ${program}) is in use by ${portOwner(port) ?? 'a process that this account cannot see'}`,
    );
  }
  if (taken.length === 0) return;
  const base = await freeBase();
  throw new UserError(
    taken.join('\n'),
    `End that process, or move the whole stack to other ports: make up PORT_BASE=${base ?? 'N'}${settings.name === DEFAULT_STACK ? '' : ` STACK=${settings.name}`}`,
  );
}

/** A port base with nothing in its way at the moment. */
async function freeBase(): Promise<number | undefined> {
  for (const base of SUGGESTED_BASES) {
    const { ports } = portsOf(DEFAULT_STACK, base);
    const free = await Promise.all(Object.values(ports).map(isFree));
    if (free.every(Boolean)) return base;
  }
  return undefined;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
