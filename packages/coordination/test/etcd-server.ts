import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const START_LIMIT_MS = 30_000;
const POLL_MS = 50;

/** One etcd of a test's own, which it may stop, freeze and empty without disturbing others. */
export type EtcdServer = {
  readonly endpoint: string;
  /** Members of a cluster are started together: one alone is no majority. */
  start(): Promise<void>;
  /** As a crash would. */
  kill(): Promise<void>;
  /** What it knows is gone at its next start. */
  empty(): void;
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
  /** Stops it and removes its data. */
  remove(): Promise<void>;
};

export async function etcdServer(): Promise<EtcdServer> {
  const ports = { client: await freePort(), peer: await freePort() };
  return etcdMember('own', ports, `own=http://127.0.0.1:${ports.peer}`);
}

/** The members of one cluster. */
export async function etcdCluster(size: number): Promise<EtcdServer[]> {
  const ports = await Promise.all(
    Array.from({ length: size }, async () => ({ client: await freePort(), peer: await freePort() })),
  );
  const cluster = ports.map(({ peer }, index) => `member-${index}=http://127.0.0.1:${peer}`).join(',');
  return ports.map((own, index) => etcdMember(`member-${index}`, own, cluster));
}

function etcdMember(name: string, ports: { client: number; peer: number }, cluster: string): EtcdServer {
  const folder = mkdtempSync(join(tmpdir(), 'punctual-etcd-'));
  const [client, peer] = [`http://127.0.0.1:${ports.client}`, `http://127.0.0.1:${ports.peer}`];
  let child: ChildProcess | undefined;

  async function kill(): Promise<void> {
    if (child === undefined) return;
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
    child = undefined;
  }

  return {
    endpoint: `127.0.0.1:${ports.client}`,
    async start() {
      child = spawn(
        '/usr/bin/etcd',
        [
          ['name', name],
          ['data-dir', join(folder, 'data')],
          ['listen-client-urls', client],
          ['advertise-client-urls', client],
          ['listen-peer-urls', peer],
          ['initial-advertise-peer-urls', peer],
          ['initial-cluster', cluster],
          ['log-level', 'error'],
        ].map(([option, value]) => `--${option}=${value}`),
        { stdio: 'ignore', env: { ETCD_UNSUPPORTED_ARCH: process.arch } },
      );
      const deadline = performance.now() + START_LIMIT_MS;
      while (!(await isHealthy(client))) {
        if (performance.now() > deadline) throw new Error('etcd did not start');
        await delay(POLL_MS);
      }
    },
    kill,
    empty: () => rmSync(join(folder, 'data'), { recursive: true, force: true }),
    signal: (signal) => child?.kill(signal),
    async remove() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function isHealthy(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/health`)).ok;
  } catch {
    return false;
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}
