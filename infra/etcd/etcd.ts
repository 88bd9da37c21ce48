import { join } from 'node:path';
import type { Program } from '../program.ts';
import type { StackSettings } from '../stack-settings.ts';

export const ETCD_SERVER = '/usr/bin/etcd';
/** Registrations, settings and their latest changes: a megabyte would do. */
const QUOTA_BYTES = 64 * 1024 * 1024;
/** Older revisions are forgotten. A watcher that was away for longer reads everything anew. */
const KEPT_HISTORY = '10m';
const SNAPSHOT_EVERY = 5_000;

/** One member of etcd: who is where, and the settings that change while services run. fsync is on, as it always is there. */
export function etcd(settings: StackSettings): Program {
  const { ports, name } = settings;
  const client = `http://127.0.0.1:${ports.etcd}`;
  const peer = `http://127.0.0.1:${ports.etcdPeer}`;
  const options: Readonly<Record<string, string>> = {
    name,
    'data-dir': etcdFolder(settings),
    'listen-client-urls': client,
    'advertise-client-urls': client,
    'listen-peer-urls': peer,
    'initial-advertise-peer-urls': peer,
    'initial-cluster': `${name}=${peer}`,
    'quota-backend-bytes': String(QUOTA_BYTES),
    'auto-compaction-mode': 'periodic',
    'auto-compaction-retention': KEPT_HISTORY,
    'snapshot-count': String(SNAPSHOT_EVERY),
    logger: 'zap',
    'log-outputs': 'stderr',
    'log-level': 'warn',
  };
  return {
    name: 'etcd',
    kind: 'server',
    command: [ETCD_SERVER, ...Object.entries(options).map(([option, value]) => `--${option}=${value}`)],
    cwd: settings.folders.data,
    // Version 3.4 refuses to start on this architecture otherwise; later ones count it as supported.
    env: process.arch === 'arm64' ? { ETCD_UNSUPPORTED_ARCH: 'arm64' } : {},
    ports: ['etcd', 'etcdPeer'],
    priority: 10,
  };
}

/** The address that services and commands use, as `ETCD_ENDPOINTS` takes it. */
export function etcdEndpoints({ ports }: StackSettings): string {
  return `127.0.0.1:${ports.etcd}`;
}

/** Everything etcd keeps. */
export function etcdFolder(settings: StackSettings): string {
  return join(settings.folders.data, 'etcd');
}
