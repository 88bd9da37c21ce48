import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { redisCommand, untilReady } from '../../../infra/probes.ts';
import { redisPorts } from '../../../infra/redis/redis.ts';
import type { Fault, World } from '../types.ts';
import { freePort } from './free-port.ts';
import { pidOf, ready, signal, stackOf, start, stop } from './programs.ts';

const ROW = 'FLUSHALL; down; failover while a lock is held';
const NODES = ['redis-1', 'redis-2', 'redis-3'] as const;
const STEP_LIMIT_MS = 30_000;

export const redisFlush: Fault = {
  name: 'redis-flush',
  about: 'FLUSHALL on every node: locks that are held and limits that are counted are gone.',
  row: ROW,
  targets: ['redis'],
  lastsMs: [1_000, 3_000],
  async strike(world) {
    const flush = async () => {
      for (const port of portsOf(world)) await redisCommand(port, 'FLUSHALL');
    };
    await flush();
    return {
      async heal() {
        await flush();
        await ready(world, 'redis-1');
      },
    };
  },
};

export const redisDown: Fault = {
  name: 'redis-down',
  about: 'All nodes of Redis are stopped.',
  row: ROW,
  targets: ['redis'],
  lastsMs: [5_000, 15_000],
  async strike(world) {
    await Promise.all(NODES.map((node) => stop(world, node)));
    return { heal: () => start(world, ...NODES) };
  },
};

/**
 * The stack's masters have no replicas, so the fault brings one: it copies the first node, takes over while that node hangs,
 * and what the node had not passed on, a lock perhaps, is gone. Then the node is killed, comes back as its successor's
 * replica, and takes its slots back when healed.
 */
export const redisFailover: Fault = {
  name: 'redis-failover',
  about: 'A node of Redis hangs while it holds locks; a replica that has missed the latest takes over.',
  row: ROW,
  targets: ['redis-1'],
  lastsMs: [5_000, 12_000],
  async strike(world, target) {
    const [port = 0] = portsOf(world);
    const replica = await startReplica(world, port);
    await signal(world, target, 'STOP');
    try {
      await redisCommand(replica.port, 'CLUSTER', 'FAILOVER', 'TAKEOVER');
      await until(async () => {
        if (!(await isMaster(replica.port))) throw new Error('the replica has not taken over');
      });
    } finally {
      await signal(world, target, 'KILL');
    }
    let isBack = false;
    return {
      async heal() {
        if (!isBack) await takeBack(world, port, replica);
        isBack = true;
        await ready(world, target);
        return { pid: await pidOf(world, target) };
      },
    };
  },
};

type Replica = { readonly port: number; readonly id: string; end(): Promise<void> };

async function startReplica(world: World, masterPort: number): Promise<Replica> {
  const [port, busPort] = [await freePort(), await freePort()];
  const folder = mkdtempSync(join(tmpdir(), 'chaos-redis-'));
  const options = {
    port,
    dir: folder,
    bind: '127.0.0.1',
    save: '',
    'cluster-enabled': 'yes',
    'cluster-port': busPort,
    'cluster-announce-ip': '127.0.0.1',
    'cluster-node-timeout': 2000,
    'cluster-require-full-coverage': 'no',
  };
  const child = spawn(
    '/usr/bin/redis-server',
    Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]),
    { stdio: 'ignore' },
  );
  const end = async () => {
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await until(() => redisCommand(port, 'PING'));
    const id = await redisCommand(port, 'CLUSTER', 'MYID');
    const masterId = await redisCommand(masterPort, 'CLUSTER', 'MYID');
    const [{ busPort: masterBus } = { busPort: 0 }] = redisPorts(stackOf(world));
    await redisCommand(port, 'CLUSTER', 'MEET', '127.0.0.1', String(masterPort), String(masterBus));
    await until(() => redisCommand(port, 'CLUSTER', 'REPLICATE', masterId));
    await until(() => expectLink(port));
    return { port, id, end };
  } catch (error) {
    await end();
    throw error;
  }
}

/** The first node follows its successor, takes its slots back, and the successor leaves. */
async function takeBack(world: World, port: number, replica: Replica): Promise<void> {
  await until(() => redisCommand(port, 'PING'));
  await until(async () => {
    if (await isMaster(port)) return;
    await expectLink(port);
    await redisCommand(port, 'CLUSTER', 'FAILOVER');
    throw new Error('the first node has not taken its slots back');
  });
  await until(async () => {
    if (await isMaster(replica.port)) throw new Error('the successor has not stepped back');
  });
  await replica.end();
  for (const other of portsOf(world)) await redisCommand(other, 'CLUSTER', 'FORGET', replica.id);
  await until(async () => {
    for (const other of portsOf(world)) {
      const nodes = await redisCommand(other, 'CLUSTER', 'NODES');
      if (nodes.includes(replica.id)) throw new Error('the successor is still known');
    }
  });
}

async function isMaster(port: number): Promise<boolean> {
  const info = await redisCommand(port, 'INFO', 'replication');
  return info.includes('role:master');
}

async function expectLink(port: number): Promise<void> {
  const info = await redisCommand(port, 'INFO', 'replication');
  if (!info.includes('master_link_status:up')) throw new Error('the replica has no copy yet');
}

async function until(probe: () => Promise<unknown>): Promise<void> {
  await untilReady(async () => void (await probe()), { limitMs: STEP_LIMIT_MS });
}

function portsOf(world: World): number[] {
  return redisPorts(stackOf(world)).map(({ port }) => port);
}
