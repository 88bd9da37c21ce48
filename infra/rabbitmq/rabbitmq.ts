import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ConfigFile, Program } from '../program.ts';
import { RABBITMQ_USER, type Secrets } from '../secrets.ts';
import type { StackSettings } from '../stack-settings.ts';

export const RABBITMQ_SERVER = '/usr/lib/rabbitmq/bin/rabbitmq-server';
const PLUGIN_FOLDERS = ['/usr/lib/rabbitmq/plugins'];
const DELAYED_PLUGIN = 'rabbitmq_delayed_message_exchange';

/** RabbitMQ with its management and metrics pages, and the port mapper of Erlang's own distribution. */
export function rabbitmq(settings: StackSettings, secrets: Secrets, source: string) {
  const { ports, folders, name } = settings;
  const home = rabbitmqFolder(settings);
  const conf = (file: string) => join(folders.conf, 'rabbitmq', file);
  const epmd = { ERL_EPMD_PORT: String(ports.epmd), ERL_EPMD_ADDRESS: '127.0.0.1' };
  const programs: Program[] = [
    {
      name: 'epmd',
      kind: 'server',
      command: ['/usr/bin/epmd', '-port', String(ports.epmd), '-address', '127.0.0.1'],
      cwd: folders.data,
      env: {},
      ports: ['epmd'],
      priority: 1,
    },
    {
      name: 'rabbitmq',
      kind: 'server',
      command: ['/bin/sh', conf('run.sh')],
      cwd: folders.data,
      env: {
        ...epmd,
        // The Erlang cookie is read from HOME.
        HOME: home,
        RABBITMQ_SERVER,
        // Makes the start script become the broker, as it does for any init system. Otherwise it waits for the broker as its
        // child, and a killed script would leave the broker behind.
        RUNNING_UNDER_SYSTEMD: 'true',
        RABBITMQ_NODENAME: `punctual-${name}@localhost`,
        RABBITMQ_DIST_PORT: String(ports.rabbitmqDistribution),
        RABBITMQ_CONF_ENV_FILE: conf('none.conf'),
        RABBITMQ_CONFIG_FILE: conf('rabbitmq.conf'),
        RABBITMQ_ENABLED_PLUGINS_FILE: conf('enabled_plugins'),
        RABBITMQ_MNESIA_BASE: join(home, 'mnesia'),
        RABBITMQ_GENERATED_CONFIG_DIR: join(home, 'config'),
        RABBITMQ_SCHEMA_DIR: join(home, 'schema'),
        RABBITMQ_LOG_BASE: folders.log,
        RABBITMQ_LOGS: '-',
        // Two schedulers that sleep when idle, in place of one per core that spins.
        RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS:
          '+S 2:2 +SDcpu 1:1 +SDio 2 +sbwt none +sbwtdcpu none +sbwtdio none -kernel inet_dist_use_interface {127,0,0,1}',
      },
      ports: ['rabbitmq', 'rabbitmqManagement', 'rabbitmqDistribution', 'rabbitmqPrometheus'],
      stopWaitSeconds: 40,
      stopAsGroup: true,
      priority: 10,
    },
  ];
  const files: ConfigFile[] = [
    { program: 'rabbitmq', path: conf('run.sh'), text: source, mode: 0o755 },
    { program: 'rabbitmq', path: conf('enabled_plugins'), text: `[${enabledPlugins().join(',')}].\n` },
    { program: 'rabbitmq', path: join(home, '.erlang.cookie'), text: secrets.erlangCookie, mode: 0o400 },
    {
      program: 'rabbitmq',
      path: conf('rabbitmq.conf'),
      mode: 0o600,
      text: [
        `listeners.tcp.1 = 127.0.0.1:${ports.rabbitmq}`,
        'management.tcp.ip = 127.0.0.1',
        `management.tcp.port = ${ports.rabbitmqManagement}`,
        'prometheus.tcp.ip = 127.0.0.1',
        `prometheus.tcp.port = ${ports.rabbitmqPrometheus}`,
        `default_user = ${RABBITMQ_USER}`,
        `default_pass = ${secrets.rabbitmq}`,
        'default_user_tags.administrator = true',
        'log.console = true',
        'log.console.level = warning',
        'log.file = false',
        'vm_memory_high_watermark.absolute = 512MB',
        'disk_free_limit.absolute = 200MB',
        'collect_statistics_interval = 10000',
        // The write-ahead log of quorum queues is held in memory until it rolls over; the default is 512 MB.
        'raft.wal_max_size_bytes = 33554432',
        '',
      ].join('\n'),
    },
  ];
  return { programs, files };
}

/** Everything RabbitMQ keeps; `wipe-rabbitmq` removes it. */
export function rabbitmqFolder(settings: StackSettings): string {
  return join(settings.folders.data, 'rabbitmq');
}

function enabledPlugins(): string[] {
  const available = PLUGIN_FOLDERS.flatMap((folder) => listFolder(folder)).concat(versionedPlugins());
  const delayed = available.some((file) => file.startsWith(DELAYED_PLUGIN)) ? [DELAYED_PLUGIN] : [];
  return ['rabbitmq_management', 'rabbitmq_prometheus', ...delayed];
}

function versionedPlugins(): string[] {
  const lib = '/usr/lib/rabbitmq/lib';
  return listFolder(lib).flatMap((server) => listFolder(join(lib, server, 'plugins')));
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return [];
    throw error;
  }
}
