import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { UserError } from './user-error.ts';

/**
 * Every port of a stack, as an offset from its base. Nothing else in the repository knows a port of the native stack.
 * Gaps are room for what is to come (gRPC, Prometheus).
 */
const PORT_OFFSETS = {
  public: 0,
  inbox: 1,
  smtp: 2,
  rabbitmqManagement: 3,
  haproxyStats: 4,
  gateway: 10,
  auth: 11,
  product: 12,
  order: 13,
  payment: 14,
  mail: 15,
  postgresPrimary: 20,
  postgresReplica: 21,
  pgpool: 22,
  pgpoolControl: 23,
  redis1: 30,
  redis2: 31,
  redis3: 32,
  redisBus1: 33,
  redisBus2: 34,
  redisBus3: 35,
  rabbitmq: 40,
  rabbitmqDistribution: 41,
  epmd: 42,
  rabbitmqPrometheus: 43,
  kafka: 50,
  kafkaController: 51,
  kafkaLinked: 52,
} as const;

export type PortName = keyof typeof PORT_OFFSETS;
export type Ports = Readonly<Record<PortName, number>>;

/** The addresses that people know by heart; they hold for the default stack as long as nobody moves it with PORT_BASE. */
const WELL_KNOWN_PORTS: Partial<Record<PortName, number>> = {
  public: 8080,
  inbox: 8025,
  smtp: 1025,
  rabbitmqManagement: 15672,
};

export const REPLICATIONS = ['asynchronous', 'synchronous'] as const;
export type Replication = (typeof REPLICATIONS)[number];
export const FAILOVERS = ['manual', 'automatic'] as const;
export type Failover = (typeof FAILOVERS)[number];

export const DEFAULT_STACK = 'punctual';
const DEFAULT_BASES: Readonly<Record<string, number>> = { [DEFAULT_STACK]: 23000, test: 31000, chaos: 29400 };
/** Bases for other names: blocks of a hundred below the kernel's usual ephemeral range (32768…). */
const DERIVED_FIRST_BASE = 24000;
const DERIVED_BLOCKS = 60;
const BLOCK_SIZE = 100;

export type StackSettings = Readonly<{
  name: string;
  /** Prefix of this stack's databases and roles: the name in the letters SQL takes without quoting. */
  databasePrefix: string;
  portBase: number;
  explicitPortBase: number | undefined;
  ports: Ports;
  repo: string;
  /** Everything this stack writes lies below. */
  home: string;
  /** Downloads that every stack of this user shares. */
  cache: string;
  folders: Readonly<{ conf: string; secrets: string; log: string; run: string; data: string }>;
  isRoot: boolean;
  /** The account for the servers that refuse to run as root; undefined where everything runs as the caller. */
  serverUser: string | undefined;
  /** Whether a commit waits until the replica has it on its disk. */
  replication: Replication;
  /** Who promotes the replica when the primary is lost: the operator, or the stack. */
  failover: Failover;
}>;

/** What `up` was last asked for; kept beside the data so that later commands need no variables. */
export type StackState = {
  /** The base given with PORT_BASE; null when the stack has the ports that go with its name. */
  portBase: number | null;
  timeScale: number;
  /** Absent in the state of an older stack. */
  replication?: Replication;
  failover?: Failover;
};

/** Ports of the stack with this name; an explicit base moves all of them together. */
export function portsOf(name: string, explicitBase?: number): { portBase: number; ports: Ports } {
  const portBase = explicitBase ?? DEFAULT_BASES[name] ?? derivedBase(name);
  const wellKnown = explicitBase === undefined && name === DEFAULT_STACK ? WELL_KNOWN_PORTS : {};
  const ports = Object.fromEntries(
    portNames().map((port) => [port, wellKnown[port] ?? portBase + PORT_OFFSETS[port]]),
  ) as Record<PortName, number>;
  return { portBase, ports };
}

export function portNames(): PortName[] {
  return Object.keys(PORT_OFFSETS) as PortName[];
}

/** A stack by name. The port base comes from the argument, else from the stack's last `up`, else from its name. */
export function stackSettings(options: {
  name: string;
  portBase?: string | undefined;
  env: Readonly<Record<string, string | undefined>>;
  uid: number;
}): StackSettings {
  const { name, env, uid } = options;
  if (!/^[a-z][a-z0-9-]{0,19}$/.test(name)) {
    throw new UserError(`STACK=${name} is not a usable name`, 'Take up to 20 lower-case letters, digits and dashes.');
  }
  const isRoot = uid === 0;
  const home = join(stacksHome(env, isRoot), name);
  // A unix socket's path may not exceed 107 bytes; the longest one is <home>/run/.s.PGSQL.31022.
  if (home.length > 80) {
    throw new UserError(
      `The folder ${home} is too long for the servers' sockets`,
      'Set PUNCTUAL_HOME to a shorter path.',
    );
  }
  const state = readState(home);
  const explicitPortBase = parsePortBase(options.portBase) ?? state?.portBase ?? undefined;
  const replication = oneOf('REPLICATION', env, REPLICATIONS) ?? state?.replication ?? 'asynchronous';
  const failover = oneOf('FAILOVER', env, FAILOVERS) ?? state?.failover ?? 'manual';
  if (failover === 'automatic' && replication !== 'synchronous') {
    throw new UserError(
      'FAILOVER=automatic with asynchronous replication could lose orders that were accepted',
      'Add REPLICATION=synchronous, or take FAILOVER=manual.',
    );
  }
  return {
    name,
    databasePrefix: name.replaceAll('-', '_'),
    ...portsOf(name, explicitPortBase),
    explicitPortBase,
    repo: resolve(import.meta.dirname, '..'),
    home,
    cache: cacheFolder(env, isRoot),
    folders: {
      conf: join(home, 'conf'),
      secrets: join(home, 'secrets'),
      log: join(home, 'log'),
      run: join(home, 'run'),
      data: join(home, 'data'),
    },
    isRoot,
    serverUser: isRoot ? 'postgres' : undefined,
    replication,
    failover,
  };
}

export function stateFile(home: string): string {
  return join(home, 'stack.json');
}

export function readState(home: string): StackState | undefined {
  const file = stateFile(home);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as StackState) : undefined;
}

function stacksHome(env: Readonly<Record<string, string | undefined>>, isRoot: boolean): string {
  if (env.PUNCTUAL_HOME) return resolve(env.PUNCTUAL_HOME);
  if (isRoot) return '/var/lib/punctual';
  return join(env.XDG_STATE_HOME || join(homedir(), '.local', 'state'), 'punctual');
}

function cacheFolder(env: Readonly<Record<string, string | undefined>>, isRoot: boolean): string {
  if (isRoot) return '/var/cache/punctual';
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'punctual');
}

function parsePortBase(text: string | undefined): number | undefined {
  if (text === undefined || text === '') return undefined;
  const base = Number(text);
  if (!Number.isInteger(base) || base < 1024 || base > 65000) {
    throw new UserError(
      `PORT_BASE=${text} is not a port base`,
      'Give a whole number from 1024 to 65000, e.g. PORT_BASE=29000.',
    );
  }
  return base;
}

function oneOf<const T extends string>(
  name: string,
  env: Readonly<Record<string, string | undefined>>,
  choices: readonly T[],
): T | undefined {
  const text = env[name];
  if (!text) return undefined;
  const found = choices.find((choice) => choice === text);
  if (found === undefined) throw new UserError(`${name}=${text} is none of ${choices.join(', ')}`, 'Name one of them.');
  return found;
}

function derivedBase(name: string): number {
  let hash = 0;
  for (const letter of name) hash = (hash * 31 + letter.charCodeAt(0)) % 1_000_003;
  return DERIVED_FIRST_BASE + (hash % DERIVED_BLOCKS) * BLOCK_SIZE;
}
