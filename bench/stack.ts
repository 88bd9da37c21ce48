/** The bench's own native stack, from empty data, and removed at the end. */
import { execFile, spawn } from 'node:child_process';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { queryAll } from './postgres.ts';

const HERE = join(import.meta.dirname, '..');
/** One load generator stands for thousands of clients, so the limits per client and per user are out of its way. */
const BENCH_VARIABLES: ServiceVariables = {
  gateway: { RATE_LIMIT_PER_SECOND: '1000000', RATE_LIMIT_BURST: '1000000' },
  order: { ORDER_MAX_OPEN: '0' },
  // A workload with its search takes longer than a token lasts.
  auth: { REGISTER_ADDRESS_LIMIT: '1000000', ACCESS_TOKEN_TTL: '12h' },
};

export type ServiceVariables = Readonly<Record<string, Readonly<Record<string, string>>>>;

export type Settings = {
  readonly STACK: string;
  readonly GATEWAY_URL: string;
  readonly PRODUCT_URL: string;
  readonly INBOX_URL: string;
  readonly STACK_HOME: string;
  readonly DATABASE_PREFIX: string;
  readonly POSTGRES_ADMIN_URL: string;
  readonly POSTGRES_REPLICA_ADMIN_URL: string;
  readonly POSTGRES_PRIMARY_URL: string;
  readonly PGPOOL_URL: string;
  readonly KAFKA_BROKERS: string;
  readonly RABBITMQ_URL: string;
  readonly RABBITMQ_MANAGEMENT_URL: string;
  readonly RABBITMQ_USER: string;
  readonly RABBITMQ_PASSWORD: string;
};

export type BenchStack = {
  readonly settings: Settings;
  /** What a 201 promises in this run. */
  readonly durability: string;
  /** A command of infra/stack.ts, such as `stop order`. */
  command(...args: string[]): Promise<void>;
  /** Brings the stack up with OpenSearch or without it; it begins without. */
  useServers(profile: 'core' | 'full'): Promise<void>;
  /** Stops the stack and removes its data, unless it is kept. */
  clean(): Promise<void>;
};

export type StackOptions = {
  readonly name: string;
  /** Another checkout than this one. */
  readonly root?: string;
  readonly portBase?: number;
  /** Takes the stack as it is when it runs, and leaves it running. */
  readonly keep?: boolean;
  /** Progress of the stack's commands is only shown when they fail. */
  readonly quiet?: boolean;
  /** Variables of the services, in place of those of a bench. */
  readonly services?: ServiceVariables;
};

export async function startStack(options: StackOptions): Promise<BenchStack> {
  const { name, root = HERE, portBase, keep, quiet, services = BENCH_VARIABLES } = options;
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    STACK: name,
    PROFILE: 'core',
    SERVICE_ENV: JSON.stringify(services),
  };
  for (const key of ['PORT_BASE', 'TIME_SCALE']) delete env[key];
  if (portBase !== undefined) env.PORT_BASE = String(portBase);
  const command = (...args: string[]) => runCommand(args, { cwd: root, env, quiet: quiet ?? false });
  const useServers = (profile: 'core' | 'full') => {
    env.PROFILE = profile;
    return command('up');
  };
  const clean = async () => {
    if (!keep) await command('clean');
  };
  await clean();
  try {
    await command('up');
    const { stdout } = await promisify(execFile)(process.execPath, ['infra/stack.ts', 'env', '--json'], {
      cwd: root,
      env,
    });
    const settings: Settings = JSON.parse(stdout);
    return { settings, durability: await durabilityOf(settings), command, useServers, clean };
  } catch (error) {
    await clean();
    throw error;
  }
}

export function machineLine(): string {
  return `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
}

async function durabilityOf(settings: Settings): Promise<string> {
  const found = await queryAll<{ name: string; setting: string }>(
    settings.POSTGRES_ADMIN_URL,
    "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'synchronous_standby_names') ORDER BY name",
  );
  const postgres = found.map(({ name, setting }) => `${name}=${setting || '(none)'}`).join(' ');
  return `${postgres}; Kafka acks=all, one broker (replication factor 1); RabbitMQ durable queues with publisher confirms, one node`;
}

/** In a process group of its own, so that a Ctrl-C at the terminal does not also end the command that cleans up. */
function runCommand(
  args: readonly string[],
  { cwd, env, quiet }: { cwd: string; env: NodeJS.ProcessEnv; quiet: boolean },
): Promise<void> {
  const child = spawn(process.execPath, ['infra/stack.ts', ...args], {
    cwd,
    env,
    detached: true,
    stdio: ['ignore', quiet ? 'pipe' : 'inherit', 'inherit'],
  });
  let output = '';
  child.stdout?.on('data', (bytes: Buffer) => {
    output += bytes.toString();
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`stack ${args.join(' ')} ended with ${code}\n${output}`));
    });
  });
}
