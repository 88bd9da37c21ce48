import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const REPOSITORY_ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const HOW_TO_START = 'the servers of the test stack are not there: `make test` starts them';

/** Where the servers of the test stack listen. */
export type Servers = {
  readonly postgres: {
    /** A role that may create databases, directly on the primary. */
    readonly primaryUrl: string;
    /** The same role on the streaming replica. */
    readonly replicaUrl: string;
    /** The same role through pgpool. */
    readonly pgpoolUrl: string;
    /** Superusers, for faults such as a paused replay. */
    readonly adminUrl: string;
    readonly replicaAdminUrl: string;
  };
  readonly rabbit: {
    readonly url: string;
    readonly managementUrl: string;
    readonly user: string;
    readonly password: string;
  };
  readonly kafka: { readonly brokers: readonly string[] };
  readonly redis: { readonly nodes: readonly { host: string; port: number }[] };
  readonly etcd: { readonly endpoints: readonly string[] };
  readonly smtp: { readonly host: string; readonly port: number };
  readonly inbox: { readonly url: string };
  /** Only in the server profile `full`; asking for it elsewhere throws. */
  readonly openSearch: { readonly url: string };
};

let known: Servers | undefined;

/**
 * Reads the settings once: from PUNCTUAL_TEST_SETTINGS (JSON, set by `make test`), otherwise by asking the stack's command line.
 * Throws with what to do when there is no test stack.
 */
export function servers(): Servers {
  known ??= parseSettings(process.env.PUNCTUAL_TEST_SETTINGS ?? askStack());
  return known;
}

function askStack(): string {
  try {
    return execFileSync(process.execPath, ['infra/stack.ts', 'env', 'test', '--json'], {
      cwd: REPOSITORY_ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  } catch (error) {
    throw new Error(HOW_TO_START, { cause: error });
  }
}

function parseSettings(json: string): Servers {
  const settings: unknown = JSON.parse(json);
  const read = (name: string): string => {
    const value: unknown = isRecord(settings) ? settings[name] : undefined;
    if (typeof value !== 'string' || value === '')
      throw new Error(`the test stack's settings lack ${name}; ${HOW_TO_START}`);
    return value;
  };
  return {
    postgres: {
      primaryUrl: read('POSTGRES_PRIMARY_URL'),
      replicaUrl: read('POSTGRES_REPLICA_URL'),
      pgpoolUrl: read('PGPOOL_URL'),
      adminUrl: read('POSTGRES_ADMIN_URL'),
      replicaAdminUrl: read('POSTGRES_REPLICA_ADMIN_URL'),
    },
    rabbit: {
      url: read('RABBITMQ_URL'),
      managementUrl: read('RABBITMQ_MANAGEMENT_URL'),
      user: read('RABBITMQ_USER'),
      password: read('RABBITMQ_PASSWORD'),
    },
    kafka: { brokers: read('KAFKA_BROKERS').split(',') },
    redis: { nodes: read('REDIS_NODES').split(',').map(parseAddress) },
    etcd: { endpoints: read('ETCD_ENDPOINTS').split(',') },
    smtp: { host: read('SMTP_HOST'), port: Number(read('SMTP_PORT')) },
    inbox: { url: read('INBOX_URL') },
    openSearch: {
      get url() {
        return read('OPENSEARCH_URL');
      },
    },
  };
}

function parseAddress(address: string): { host: string; port: number } {
  const { hostname, port } = new URL(`tcp://${address}`);
  return { host: hostname, port: Number(port) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
