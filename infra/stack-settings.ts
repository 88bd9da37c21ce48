import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { GRPC_SERVICES, isService, type ServiceName } from './services.ts';
import { UserError } from './user-error.ts';

/**
 * Every port of a stack, as an offset from its base. Nothing else in the repository knows a port of the native stack.
 * Gaps are room for what is to come (Prometheus).
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
  authGrpc: 61,
  productGrpc: 62,
  orderGrpc: 63,
  paymentGrpc: 64,
  etcd: 70,
  etcdPeer: 71,
  opensearch: 72,
  opensearchTransport: 73,
} as const;

/** For further instances of services: HTTP and gRPC of each, from this offset on. */
const FIRST_EXTRA_OFFSET = 80;
const EXTRA_PORTS = [
  ['extra1Http', 'extra1Grpc'],
  ['extra2Http', 'extra2Grpc'],
  ['extra3Http', 'extra3Grpc'],
  ['extra4Http', 'extra4Grpc'],
  ['extra5Http', 'extra5Grpc'],
  ['extra6Http', 'extra6Grpc'],
  ['extra7Http', 'extra7Grpc'],
  ['extra8Http', 'extra8Grpc'],
  ['extra9Http', 'extra9Grpc'],
  ['extra10Http', 'extra10Grpc'],
] as const;

export type PortName = keyof typeof PORT_OFFSETS | (typeof EXTRA_PORTS)[number][number];
export type Ports = Readonly<Record<PortName, number>>;

const PORT_OFFSET_OF: ReadonlyMap<PortName, number> = new Map([
  ...(Object.entries(PORT_OFFSETS) as [PortName, number][]),
  ...EXTRA_PORTS.flat().map((port, index): [PortName, number] => [port, FIRST_EXTRA_OFFSET + index]),
]);

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

/** How many processes of a service run; one of each that is not named. */
export type InstanceCounts = Readonly<Partial<Record<ServiceName, number>>>;

/** One process of a service. The first has the service's name and ports, the others `product-2` and so on. */
export type ServiceInstance = { program: string; service: ServiceName; http: PortName; grpc: PortName | undefined };
/** Which backing servers there are: `full` has OpenSearch too; with `core`, Postgres answers searches. */
export const SERVER_PROFILES = ['core', 'full'] as const;
export type ServerProfile = (typeof SERVER_PROFILES)[number];

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
  instances: InstanceCounts;
  serverProfile: ServerProfile;
}>;

/** What `up` was last asked for; kept beside the data so that later commands need no variables. */
export type StackState = {
  /** The base given with PORT_BASE; null when the stack has the ports that go with its name. */
  portBase: number | null;
  timeScale: number;
  /** Absent in the state of an older stack. */
  replication?: Replication;
  failover?: Failover;
  instances?: InstanceCounts;
  serverProfile?: ServerProfile;
};

/** Ports of the stack with this name; an explicit base moves all of them together. */
export function portsOf(name: string, explicitBase?: number): { portBase: number; ports: Ports } {
  const portBase = explicitBase ?? DEFAULT_BASES[name] ?? derivedBase(name);
  const wellKnown = explicitBase === undefined && name === DEFAULT_STACK ? WELL_KNOWN_PORTS : {};
  const ports = Object.fromEntries(
    portNames().map((port) => [port, wellKnown[port] ?? portBase + (PORT_OFFSET_OF.get(port) ?? 0)]),
  ) as Record<PortName, number>;
  return { portBase, ports };
}

export function portNames(): PortName[] {
  return [...PORT_OFFSET_OF.keys()];
}

/** Every process of these services that the stack runs, first instances first. */
export function instancesOf(
  { instances }: Pick<StackSettings, 'instances'>,
  services: readonly ServiceName[],
): ServiceInstance[] {
  const first = services.map((service) => {
    const grpc = GRPC_SERVICES.find((name) => name === service);
    return { program: service, service, http: service, grpc: grpc && (`${grpc}Grpc` as const) };
  });
  const further = services.flatMap((service) =>
    Array.from({ length: (instances[service] ?? 1) - 1 }, (_, index) => ({
      program: `${service}-${index + 2}`,
      service,
    })),
  );
  return [
    ...first,
    ...further.flatMap((instance, index) => {
      const [http, grpc] = EXTRA_PORTS[index] ?? [];
      return http === undefined ? [] : [{ ...instance, http, grpc }];
    }),
  ];
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
    instances: parseInstances(env.INSTANCES) ?? state?.instances ?? {},
    serverProfile: oneOf('PROFILE', env, SERVER_PROFILES) ?? state?.serverProfile ?? 'core',
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

/** `{"product":2}`. The gateway stays one: HAProxy stands in front of a single one. */
function parseInstances(text: string | undefined): InstanceCounts | undefined {
  if (!text) return undefined;
  const advice = 'For example: INSTANCES=\'{"product":2}\'';
  const counts = new Map<ServiceName, number>();
  try {
    const given: unknown = JSON.parse(text);
    if (typeof given !== 'object' || given === null) throw new Error('this is no object');
    for (const [service, count] of Object.entries(given)) {
      if (!isService(service) || service === 'gateway') throw new Error(`${service} cannot have several instances`);
      if (!Number.isInteger(count) || Number(count) < 1)
        throw new Error(`${service}: ${String(count)} is no number of instances`);
      counts.set(service, Number(count));
    }
  } catch (error) {
    throw new UserError(`INSTANCES=${text}: ${error instanceof Error ? error.message : String(error)}`, advice);
  }
  const further = [...counts.values()].reduce((sum, count) => sum + count - 1, 0);
  if (further > EXTRA_PORTS.length)
    throw new UserError(
      `INSTANCES=${text} asks for ${further} further instances`,
      `There are ports for ${EXTRA_PORTS.length}.`,
    );
  return Object.fromEntries(counts);
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
