/** The run's own native stack: brought up with empty data, changed by its own commands, removed at the end. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventually } from '@punctual/testing';

const ROOT = join(import.meta.dirname, '../..');
const COMMAND_TIMEOUT_MS = 180_000;
const UP_TIMEOUT_MS = 300_000;
const UP_ATTEMPTS = 3;
const READY_TIMEOUT_MS = 150_000;
const MEGABYTE = 1_048_576;

/** A day of the shop's calendar lasts a minute: reminders after 10, 30 and 55 s, expiry after 60 s. */
export const SHOP_DAY_MS = 60_000;
const DAY_MS = 86_400_000;

/** What the stack tells of itself: addresses and credentials. */
export type Settings = {
  readonly STACK: string;
  readonly STACK_HOME: string;
  readonly TIME_SCALE: string;
  readonly GATEWAY_URL: string;
  readonly GATEWAY_DIRECT_URL: string;
  readonly AUTH_URL: string;
  readonly PRODUCT_URL: string;
  readonly ORDER_URL: string;
  readonly PAYMENT_URL: string;
  readonly MAIL_URL: string;
  /** JSON: where each service's instances are, by HTTP and gRPC. */
  readonly SERVICE_ADDRESSES: string;
  readonly INBOX_URL: string;
  readonly SMTP_HOST: string;
  readonly SMTP_PORT: string;
  readonly POSTGRES_ADMIN_URL: string;
  readonly POSTGRES_REPLICA_ADMIN_URL: string;
  readonly POSTGRES_PRIMARY_URL: string;
  readonly POSTGRES_REPLICA_URL: string;
  readonly PGPOOL_URL: string;
  readonly DATABASE_PREFIX: string;
  readonly ORDER_DATABASE_URL: string;
  readonly RABBITMQ_URL: string;
  readonly RABBITMQ_MANAGEMENT_URL: string;
  readonly RABBITMQ_USER: string;
  readonly RABBITMQ_PASSWORD: string;
  readonly KAFKA_BROKERS: string;
  readonly REDIS_NODES: string;
  readonly POSTGRES_PRIMARY_PROGRAM: string;
  readonly POSTGRES_REPLICA_PROGRAM: string;
};

export type ServiceVariables = Readonly<Record<string, Readonly<Record<string, string>>>>;

/**
 * One load generator stands for many clients, so the limits per client are out of its way. Tokens end within a run so that
 * sessions are renewed in it, and mail is tried again and asked for again soon, since a run cannot wait for hours.
 */
export const RUN_VARIABLES: ServiceVariables = {
  gateway: { RATE_LIMIT_PER_SECOND: '1000000', RATE_LIMIT_BURST: '1000000' },
  auth: {
    LOGIN_ACCOUNT_FAILURES: '1000',
    LOGIN_ADDRESS_FAILURES: '1000000',
    VERIFY_ADDRESS_FAILURES: '1000000',
    REGISTER_ADDRESS_LIMIT: '1000000',
    ACCESS_TOKEN_TTL: '3m',
    RECEIPT_WAIT: '20s',
  },
  order: { ORDER_MAX_OPEN: '0', RECEIPT_WAIT: '20s' },
  mail: { SMTP_SEND_TIMEOUT: '5s', MAIL_RETRY_STEPS: '1s,3s,5s,10s,20s,30s,45s,60s,90s' },
};

/** Adds variables; a service's NODE_OPTIONS are joined, since each may bring in a module of its own. */
export function mergeVariables(...all: readonly ServiceVariables[]): Record<string, Record<string, string>> {
  const merged: Record<string, Record<string, string>> = {};
  for (const variables of all) {
    for (const [service, added] of Object.entries(variables)) {
      const before = merged[service] ?? {};
      const options = [before.NODE_OPTIONS, added.NODE_OPTIONS].filter((text) => text !== undefined && text !== '');
      merged[service] = { ...before, ...added, ...(options.length > 0 ? { NODE_OPTIONS: options.join(' ') } : {}) };
    }
  }
  return merged;
}

export type ChaosStack = {
  readonly settings: Settings;
  command(...args: string[]): Promise<void>;
  /** `owner` is who wants them: variables that several want for one service are all set, until each takes back its own. */
  setServiceEnvironment(service: string, variables: Readonly<Record<string, string>>, owner: string): Promise<void>;
  /** Reads the settings again, into the same object: a promoted replica is the primary from then on. */
  refreshSettings(): Promise<void>;
  /** Stops the stack and removes its data. */
  clean(): Promise<void>;
};

export type StackOptions = {
  readonly name: string;
  /** Variables of the stack's own commands, such as the one that sends services through proxies. */
  readonly environment: Readonly<Record<string, string>>;
  /** Variables of the services for the whole run, such as a sabotage's. */
  readonly services: ServiceVariables;
  /** How long a day of the shop's calendar lasts. */
  readonly shopDayMs: number;
  /** The inbox keeps all mails of the run. */
  readonly mostMails: number;
  /** Left as it is when it does not come up. */
  readonly keep: boolean;
  write(line: string): void;
};

/** A whole stack from empty data. */
export async function startStack(options: StackOptions): Promise<ChaosStack> {
  const base = mergeVariables(RUN_VARIABLES, options.services);
  const changed = new Map<string, ServiceVariables>();
  const environment = (): NodeJS.ProcessEnv => ({
    ...process.env,
    // What is acknowledged survives the loss of the primary, and the stack promotes the replica by itself.
    REPLICATION: 'synchronous',
    FAILOVER: 'automatic',
    ...options.environment,
    STACK: options.name,
    TIME_SCALE: String(DAY_MS / options.shopDayMs),
    INBOX_MOST_MAILS: String(options.mostMails),
    SERVICE_ENV: JSON.stringify(mergeVariables(base, ...changed.values())),
  });
  const command = async (...args: string[]) => {
    await run(args, environment());
  };

  await command('clean');
  try {
    await bringUp(environment(), options.write);
  } catch (error) {
    if (!options.keep) await command('clean');
    throw error;
  }
  const readSettings = async (): Promise<Settings> => JSON.parse(await run(['env', '--json'], environment()));
  const settings = await readSettings();

  // Two changes at once would each take back the other's.
  let queue: Promise<void> = Promise.resolve();
  return {
    settings,
    command,
    setServiceEnvironment(service, variables, owner) {
      const next = queue.then(async () => {
        const key = `${service} for ${owner}`;
        if (Object.keys(variables).length === 0) changed.delete(key);
        else changed.set(key, { [service]: variables });
        await command('apply');
        await serviceListens(settings, service);
      });
      queue = next.then(
        () => undefined,
        () => undefined,
      );
      return next;
    },
    refreshSettings: async () => void Object.assign(settings, await readSettings()),
    clean: () => command('clean'),
  };
}

/** Resolves when a service's process answers, ready or not: what it needs may be away on purpose. */
async function serviceListens(settings: Settings, service: string): Promise<void> {
  const urls: Readonly<Record<string, string>> = {
    gateway: settings.GATEWAY_DIRECT_URL,
    auth: settings.AUTH_URL,
    product: settings.PRODUCT_URL,
    order: settings.ORDER_URL,
    payment: settings.PAYMENT_URL,
    mail: settings.MAIL_URL,
  };
  const url = urls[service];
  if (url === undefined) return;
  await eventually(
    async () => {
      const response = await fetch(`${url}/health/live`, { signal: AbortSignal.timeout(2_000) });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`${service} answers ${response.status}`);
    },
    { timeoutMs: READY_TIMEOUT_MS, intervalMs: 200 },
  );
}

async function run(args: readonly string[], env: NodeJS.ProcessEnv, timeout = COMMAND_TIMEOUT_MS): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ['infra/stack.ts', ...args], {
    cwd: ROOT,
    env,
    timeout,
    maxBuffer: 16 * MEGABYTE,
  });
  return stdout;
}

/** `up` goes on where the one before gave up: on a busy machine a service may take longer than it waits. */
async function bringUp(env: NodeJS.ProcessEnv, write: (line: string) => void): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await run(['up'], env, UP_TIMEOUT_MS);
      return;
    } catch (error) {
      if (attempt === UP_ATTEMPTS) throw error;
      write(
        `not up yet, trying again: ${error instanceof Error ? error.message.replaceAll('\n', ' ').slice(0, 300) : String(error)}`,
      );
    }
  }
}
