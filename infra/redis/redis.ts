import { join } from 'node:path';
import type { ConfigFile, Program } from '../program.ts';
import type { PortName, StackSettings } from '../stack-settings.ts';

export const REDIS_NODES = [1, 2, 3] as const;
type NodeNumber = (typeof REDIS_NODES)[number];

const CLIENT_PORTS = { 1: 'redis1', 2: 'redis2', 3: 'redis3' } as const satisfies Record<NodeNumber, PortName>;
const BUS_PORTS = { 1: 'redisBus1', 2: 'redisBus2', 3: 'redisBus3' } as const satisfies Record<NodeNumber, PortName>;

/** A Redis Cluster of three masters; `cluster.ts` joins them. */
export function redis(settings: StackSettings): { programs: Program[]; files: ConfigFile[] } {
  const nodes = REDIS_NODES.map((node) => {
    const name = `redis-${node}`;
    const config = join(settings.folders.conf, 'redis', `${name}.conf`);
    const program: Program = {
      name,
      kind: 'server',
      command: ['/usr/bin/redis-server', config],
      cwd: redisFolder(settings, node),
      env: {},
      ports: [CLIENT_PORTS[node], BUS_PORTS[node]],
      priority: 10,
    };
    const file: ConfigFile = { program: name, path: config, text: nodeConf(settings, node) };
    return { program, file };
  });
  return { programs: nodes.map(({ program }) => program), files: nodes.map(({ file }) => file) };
}

export function redisFolder(settings: StackSettings, node: number): string {
  return join(settings.folders.data, 'redis', String(node));
}

export function redisPorts(settings: StackSettings): { port: number; busPort: number }[] {
  return REDIS_NODES.map((node) => ({
    port: settings.ports[CLIENT_PORTS[node]],
    busPort: settings.ports[BUS_PORTS[node]],
  }));
}

function nodeConf(settings: StackSettings, node: NodeNumber): string {
  return [
    'bind 127.0.0.1',
    'protected-mode yes',
    `port ${settings.ports[CLIENT_PORTS[node]]}`,
    'daemonize no',
    `dir ${redisFolder(settings, node)}`,
    'cluster-enabled yes',
    'cluster-config-file nodes.conf',
    `cluster-port ${settings.ports[BUS_PORTS[node]]}`,
    'cluster-announce-ip 127.0.0.1',
    'cluster-node-timeout 2000',
    // With one node away, the keys of the other two stay usable.
    'cluster-require-full-coverage no',
    'appendonly yes',
    'appendfsync everysec',
    'save ""',
    'maxmemory 64mb',
    // Locks and token buckets carry a time to live and can be lost; truth is in Postgres.
    'maxmemory-policy volatile-lru',
    '',
  ].join('\n');
}
