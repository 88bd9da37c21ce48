import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ConfigFile, Program } from '../program.ts';
import type { Secrets } from '../secrets.ts';
import type { StackSettings } from '../stack-settings.ts';

export const REPLICATION_SLOT = 'replica';
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

/** The primary and one streaming replica. */
export function postgres(settings: StackSettings, secrets: Secrets, sources: { primary: string; replica: string }) {
  const { ports, folders, serverUser } = settings;
  const bin = postgresBin() ?? join(VERSIONS_FOLDER, String(OLDEST_VERSION), 'bin');
  const conf = (name: string) => join(folders.conf, 'postgres', name);
  const passwordFile = conf('superuser-password');
  const passFile = conf('replicator.pgpass');
  const account = { HOME: '/', USER: serverUser ?? '', PGBIN: bin };

  const programs: Program[] = [
    {
      name: 'postgres-primary',
      kind: 'server',
      command: ['/bin/sh', conf('run-primary.sh')],
      cwd: folders.data,
      env: {
        ...account,
        PGDATA: dataFolder(settings, 'postgres-primary'),
        PG_CONFIG: conf('primary.conf'),
        PG_PASSWORD_FILE: passwordFile,
      },
      ports: ['postgresPrimary'],
      user: serverUser,
      // SIGINT is the fast shutdown: open transactions are rolled back, nothing waits for clients to leave.
      stopSignal: 'INT',
      stopWaitSeconds: 30,
      priority: 10,
    },
    {
      name: 'postgres-replica',
      kind: 'server',
      command: ['/bin/sh', conf('run-replica.sh')],
      cwd: folders.data,
      env: {
        ...account,
        PGDATA: dataFolder(settings, 'postgres-replica'),
        PG_CONFIG: conf('replica.conf'),
        PGPASSFILE: passFile,
        PRIMARY_PORT: String(ports.postgresPrimary),
        REPLICATION_SLOT,
      },
      ports: ['postgresReplica'],
      user: serverUser,
      stopSignal: 'INT',
      stopWaitSeconds: 30,
      priority: 11,
    },
  ];

  const files: ConfigFile[] = [
    { program: 'postgres-primary', path: conf('run-primary.sh'), text: sources.primary, mode: 0o755 },
    { program: 'postgres-replica', path: conf('run-replica.sh'), text: sources.replica, mode: 0o755 },
    { program: 'postgres-primary', path: passwordFile, text: secrets.superuser, mode: 0o600, owner: serverUser },
    {
      program: 'postgres-replica',
      path: passFile,
      text: `127.0.0.1:${ports.postgresPrimary}:*:replicator:${secrets.replicator}\n`,
      mode: 0o600,
      owner: serverUser,
    },
    {
      program: 'postgres-primary',
      path: conf('primary.conf'),
      text: serverConf(settings, ports.postgresPrimary, conf('pg_hba.conf')),
    },
    {
      program: 'postgres-replica',
      path: conf('replica.conf'),
      text: [
        serverConf(settings, ports.postgresReplica, conf('pg_hba.conf')),
        `primary_conninfo = 'host=127.0.0.1 port=${ports.postgresPrimary} user=replicator passfile=${passFile} application_name=${REPLICATION_SLOT}'`,
        `primary_slot_name = '${REPLICATION_SLOT}'`,
        // A read on the replica may hold replay back for this long before it is cancelled.
        'max_standby_streaming_delay = 5s',
        'wal_receiver_status_interval = 1s',
        // The replica notices a restarted primary quickly, so that lists do not lag after a fault.
        'wal_retrieve_retry_interval = 500ms',
        '',
      ].join('\n'),
    },
    {
      program: 'postgres-primary',
      path: conf('pg_hba.conf'),
      text: [
        'host all all 127.0.0.1/32 scram-sha-256',
        'host replication replicator 127.0.0.1/32 scram-sha-256',
        '',
      ].join('\n'),
    },
  ];
  return { programs, files };
}

export function dataFolder(settings: StackSettings, program: string): string {
  return join(settings.folders.data, 'postgres', program);
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
