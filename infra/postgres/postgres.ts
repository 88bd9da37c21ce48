import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ConfigFile, Program } from '../program.ts';
import type { Secrets } from '../secrets.ts';
import type { StackSettings } from '../stack-settings.ts';
import { otherNode, POSTGRES_NODES, postgresNode, primaryFile } from './nodes.ts';

export const REPLICATION_SLOT = 'replica';
/** How the replica calls itself to the primary, whichever of the two servers it is. */
export const STANDBY_NAME = 'replica';
const HOST_RULES = [
  'host all all 127.0.0.1/32 scram-sha-256',
  'host replication replicator 127.0.0.1/32 scram-sha-256',
  '',
].join('\n');
const VERSIONS_FOLDER = '/usr/lib/postgresql';
const OLDEST_VERSION = 15;

/** The folder with initdb and postgres of the newest installed version, undefined when there is none of 15 or later. */
export function postgresBin(): string | undefined {
  const versions = readFolder(VERSIONS_FOLDER)
    .map(Number)
    .filter((version) => version >= OLDEST_VERSION)
    .sort((a, b) => b - a);
  return versions
    .map((version) => join(VERSIONS_FOLDER, String(version), 'bin'))
    .find((bin) => readFolder(bin).includes('postgres'));
}

/** Two servers, one of them the primary and the other its streaming replica; which is which, they find out when they start. */
export function postgres(settings: StackSettings, secrets: Secrets, source: string) {
  const { folders, ports, serverUser } = settings;
  const bin = postgresBin() ?? join(VERSIONS_FOLDER, String(OLDEST_VERSION), 'bin');
  const conf = (name: string) => join(folders.conf, 'postgres', name);
  const script = conf('run.sh');
  const passwordFile = conf('superuser-password');
  const passFile = conf('replicator.pgpass');
  const nodes = POSTGRES_NODES.map((name) => postgresNode(settings, name));

  const programs: Program[] = nodes.map((node, index) => ({
    name: node.name,
    kind: 'server',
    command: ['/bin/sh', script],
    cwd: folders.data,
    env: {
      HOME: '/',
      USER: serverUser ?? '',
      NODE: node.name,
      OTHER_PORT: String(postgresNode(settings, otherNode(node.name)).port),
      PRIMARY_FILE: primaryFile(settings),
      REPLICATION_SLOT,
      PGBIN: bin,
      PGDATA: node.dataFolder,
      PG_CONFIG: conf(`${node.name}.conf`),
      PG_PASSWORD_FILE: passwordFile,
      PGPASSFILE: passFile,
    },
    ports: [node.portName],
    user: serverUser,
    // SIGINT is the fast shutdown: open transactions are rolled back, nothing waits for clients to leave.
    stopSignal: 'INT',
    stopWaitSeconds: 30,
    priority: 10 + index,
  }));

  const files: ConfigFile[] = nodes.flatMap(({ name, port }) => {
    const upstream = postgresNode(settings, otherNode(name));
    const file = (path: string, text: string): ConfigFile => ({ program: name, path, text });
    const secret = (path: string, text: string): ConfigFile => ({
      ...file(path, text),
      mode: 0o600,
      owner: serverUser,
    });
    return [
      { ...file(script, source), mode: 0o755 },
      secret(passwordFile, secrets.superuser),
      secret(
        passFile,
        [ports.postgresPrimary, ports.postgresReplica]
          .map((number) => `127.0.0.1:${number}:*:replicator:${secrets.replicator}\n`)
          .join(''),
      ),
      file(conf('pg_hba.conf'), HOST_RULES),
      file(
        conf(`${name}.conf`),
        [
          serverConf(settings, port, conf('pg_hba.conf')),
          // These count only while it is the replica.
          `primary_conninfo = 'host=127.0.0.1 port=${upstream.port} user=replicator passfile=${passFile} application_name=${STANDBY_NAME}'`,
          `primary_slot_name = '${REPLICATION_SLOT}'`,
          // A read on the replica may hold replay back for this long before it is cancelled.
          'max_standby_streaming_delay = 5s',
          'wal_receiver_status_interval = 1s',
          // The replica notices a restarted primary quickly, so that lists do not lag after a fault.
          'wal_retrieve_retry_interval = 500ms',
          '',
        ].join('\n'),
      ),
    ];
  });
  return { programs, files };
}

/** What both servers share. fsync and synchronous_commit stay on: a 201 means that the order is on the disk. */
function serverConf(settings: StackSettings, port: number, hbaFile: string): string {
  return [
    "listen_addresses = '127.0.0.1'",
    `port = ${port}`,
    "unix_socket_directories = ''",
    `hba_file = '${hbaFile}'`,
    `cluster_name = '${settings.name}'`,
    'max_connections = 200',
    'password_encryption = scram-sha-256',
    'shared_buffers = 48MB',
    'work_mem = 4MB',
    'maintenance_work_mem = 32MB',
    'effective_cache_size = 512MB',
    'random_page_cost = 1.1',
    // Short statements only: compiling them would cost memory in every backend and gain nothing.
    'jit = off',
    'max_parallel_workers_per_gather = 0',
    'wal_level = replica',
    'max_wal_senders = 5',
    'max_replication_slots = 5',
    'max_slot_wal_keep_size = 1GB',
    'wal_keep_size = 64MB',
    'max_wal_size = 512MB',
    'min_wal_size = 80MB',
    'checkpoint_timeout = 5min',
    'wal_compression = on',
    'hot_standby = on',
    'fsync = on',
    'synchronous_commit = on',
    'autovacuum_naptime = 15s',
    'track_io_timing = on',
    "timezone = 'UTC'",
    "log_timezone = 'UTC'",
    "log_line_prefix = '%m [%p] %q%u@%d %a '",
    'log_min_duration_statement = 1s',
    '',
  ].join('\n');
}

function readFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return [];
    throw error;
  }
}
