import { join } from 'node:path';
import { POSTGRES_NODES, postgresNode, primaryFile } from '../postgres/nodes.ts';
import { STANDBY_NAME } from '../postgres/postgres.ts';
import { databaseName, TESTER_ROLE } from '../postgres/roles.ts';
import type { ConfigFile, Program } from '../program.ts';
import type { Secrets } from '../secrets.ts';
import { DATABASE_SERVICES } from '../services.ts';
import type { StackSettings } from '../stack-settings.ts';

/** A process serves each client, so this bounds memory. The pools of all services, one instance of each, stay below it. */
const PGPOOL_CLIENTS = 36;
/** Primary and replica pool of the largest service. */
const CLIENTS_OF_A_FURTHER_INSTANCE = 10;

/** Most clients at a time. */
export function pgpoolClients({ instances }: Pick<StackSettings, 'instances'>): number {
  const further = Object.values(instances).reduce((sum, count) => sum + count - 1, 0);
  return PGPOOL_CLIENTS + further * CLIENTS_OF_A_FURTHER_INSTANCE;
}

/** pgpool in front of primary and replica: writes to the primary, sessions named `…-read` to the replica. */
export function pgpool(
  settings: StackSettings,
  secrets: Secrets,
  source: string,
): { programs: Program[]; files: ConfigFile[] } {
  const { folders, ports, serverUser } = settings;
  const conf = (name: string) => join(folders.conf, 'pgpool', name);
  const nodes = POSTGRES_NODES.map((name) => postgresNode(settings, name));
  const work = join(folders.data, 'pgpool');
  const passwords: Record<string, string> = {
    postgres: secrets.superuser,
    pgpool: secrets.pgpool,
    [TESTER_ROLE]: secrets.tester,
    ...Object.fromEntries(
      DATABASE_SERVICES.map((service) => [databaseName(settings, service), secrets.services[service] ?? '']),
    ),
  };
  const file = (name: string, text: string, mode: number): ConfigFile => ({
    program: 'pgpool',
    path: conf(name),
    text,
    mode,
    owner: serverUser,
  });
  return {
    programs: [
      {
        name: 'pgpool',
        kind: 'server',
        command: ['/bin/sh', conf('run.sh')],
        cwd: work,
        env: {
          HOME: work,
          USER: serverUser ?? '',
          PGPOOL_CONF: join(folders.conf, 'pgpool'),
          PRIMARY_FILE: primaryFile(settings),
          NODES: POSTGRES_NODES.join(' '),
        },
        ports: ['pgpool', 'pgpoolControl'],
        user: serverUser,
        // SIGINT is the fast shutdown: sessions end, then the children.
        stopSignal: 'INT',
        stopWaitSeconds: 15,
        priority: 20,
      },
    ],
    files: [
      file('run.sh', source, 0o755),
      file('pgpool.conf', pgpoolConf(settings, secrets.pgpool, work), 0o600),
      file('pool_hba.conf', 'host all all 127.0.0.1/32 scram-sha-256\n', 0o600),
      file(
        'pool_passwd',
        Object.entries(passwords)
          .map(([role, password]) => `${role}:TEXT${password}\n`)
          .join(''),
        0o600,
      ),
      file('pcp.conf', '', 0o600),
    ],
  };

  function pgpoolConf(_stack: StackSettings, checkPassword: string, workFolder: string): string {
    return [
      "listen_addresses = '127.0.0.1'",
      `port = ${ports.pgpool}`,
      `socket_dir = '${workFolder}'`,
      "pcp_listen_addresses = '127.0.0.1'",
      `pcp_port = ${ports.pgpoolControl}`,
      `pcp_socket_dir = '${workFolder}'`,
      `pid_file_name = '${workFolder}/pgpool.pid'`,
      `logdir = '${workFolder}'`,
      "log_destination = 'stderr'",
      "log_line_prefix = '%t %p %a '",
      'log_min_messages = warning',
      `num_init_children = ${pgpoolClients(settings)}`,
      // A client too many waits in the listen queue until another leaves; its own time limit bounds that.
      'reserved_connections = 0',
      'max_pool = 1',
      // A cached backend would outlive a restart of the server or a dropped test database; the services have pools.
      'connection_cache = off',
      'child_life_time = 0',
      'client_idle_limit = 0',
      "backend_clustering_mode = 'streaming_replication'",
      'load_balance_mode = on',
      // Each pool of a service names itself, which decides for the whole session.
      "app_name_redirect_preference_list = '.*-write:primary,.*-read:standby'",
      // Whoever names nothing gets the primary, so that nobody reads stale data by accident.
      "database_redirect_preference_list = '.*:primary'",
      // run.sh adds backend_flag0 and 1: the present primary is ALWAYS_PRIMARY|DISALLOW_TO_FAILOVER. The stack alone decides who
      // is the primary, so a primary that restarts is the primary still, and two deciders cannot disagree.
      ...nodes.flatMap(({ port }, index) => [
        `backend_hostname${index} = '127.0.0.1'`,
        `backend_port${index} = ${port}`,
        `backend_weight${index} = 1`,
        // auto_failback looks for this name in pg_stat_replication before it takes a replica back.
        `backend_application_name${index} = '${STANDBY_NAME}'`,
      ]),
      'failover_on_backend_error = off',
      'failover_on_backend_shutdown = off',
      'auto_failback = on',
      'auto_failback_interval = 3',
      'health_check_period = 2',
      'health_check_timeout = 2',
      'health_check_max_retries = 1',
      'health_check_retry_delay = 1',
      "health_check_user = 'pgpool'",
      `health_check_password = '${checkPassword}'`,
      "health_check_database = 'postgres'",
      'connect_timeout = 2000',
      'sr_check_period = 2',
      "sr_check_user = 'pgpool'",
      `sr_check_password = '${checkPassword}'`,
      "sr_check_database = 'postgres'",
      // A list may lag behind the replica; a service that must read its own write asks the primary.
      'delay_threshold = 0',
      // Hidden catalog queries per statement: no service uses temporary or unlogged tables.
      'check_temp_table = none',
      'check_unlogged_table = off',
      // The query cache is off, but its memory is taken all the same.
      'memory_cache_enabled = off',
      'enable_shared_relcache = off',
      'memqcache_total_size = 1MB',
      'memqcache_max_num_cache = 100',
      'memqcache_cache_block_size = 64kB',
      'memqcache_maxcache = 32kB',
      'enable_pool_hba = on',
      `pool_passwd = '${conf('pool_passwd')}'`,
      'use_watchdog = off',
      '',
    ].join('\n');
  }
}
