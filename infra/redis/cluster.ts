import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { redisCommand } from '../probes.ts';
import type { StackSettings } from '../stack-settings.ts';
import { REDIS_NODES, redisFolder, redisPorts } from './redis.ts';

const SLOTS = 16_384;

/**
 * Joins the three masters and deals out the slots. Looks at what is there before each step, so that it can be repeated
 * and completes a cluster whose making was interrupted.
 */
export async function ensureRedisCluster(settings: StackSettings): Promise<void> {
  const nodes = redisPorts(settings);
  const first = nodes[0];
  if (!first) return;
  const infos = await Promise.all(nodes.map(({ port }) => clusterInfo(port)));
  if (infos.every((info) => info.cluster_state === 'ok' && Number(info.cluster_known_nodes) >= nodes.length)) return;

  const assigned = Number(infos[0]?.cluster_slots_assigned);
  const isFresh = infos.every((info) => Number(info.cluster_known_nodes) === 1);
  for (const [index, { port }] of nodes.entries()) {
    const mine = await redisCommand(port, 'CLUSTER', 'NODES');
    const ownsSlots = mine.split('\n').some((line) => line.includes('myself') && line.trim().split(' ').length > 8);
    if (ownsSlots || (!isFresh && assigned === SLOTS)) continue;
    if (isFresh) await redisCommand(port, 'CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
    const from = Math.floor((SLOTS * index) / nodes.length);
    const to = Math.floor((SLOTS * (index + 1)) / nodes.length) - 1;
    await redisCommand(port, 'CLUSTER', 'ADDSLOTSRANGE', String(from), String(to));
  }
  for (const { port, busPort } of nodes.slice(1)) {
    await redisCommand(first.port, 'CLUSTER', 'MEET', '127.0.0.1', String(port), String(busPort));
  }
}

/** Ready when every node sees all three and all slots. */
export async function probeRedisCluster(settings: StackSettings): Promise<void> {
  for (const { port } of redisPorts(settings)) {
    const info = await clusterInfo(port);
    if (info.cluster_state !== 'ok' || Number(info.cluster_known_nodes) < REDIS_NODES.length) {
      throw new Error(
        `the node on port ${port} says cluster_state:${info.cluster_state}, knows ${info.cluster_known_nodes} nodes`,
      );
    }
  }
}

/**
 * Nodes remember each other's ports. After a change of the port base they would look for each other in vain, so they
 * start anew: Redis holds nothing here that may not be lost.
 */
export function forgetMovedCluster(settings: StackSettings): void {
  const ports = redisPorts(settings);
  const isMoved = REDIS_NODES.some((node) => {
    const file = join(redisFolder(settings, node), 'nodes.conf');
    if (!existsSync(file)) return false;
    const addresses = [...readFileSync(file, 'utf8').matchAll(/127\.0\.0\.1:(\d+)@/g)].map((match) => Number(match[1]));
    return addresses.some((port) => port !== 0 && !ports.some((known) => known.port === port));
  });
  if (!isMoved) return;
  for (const node of REDIS_NODES) rmSync(redisFolder(settings, node), { recursive: true, force: true });
}

async function clusterInfo(port: number): Promise<Record<string, string>> {
  const text = await redisCommand(port, 'CLUSTER', 'INFO');
  return Object.fromEntries(text.split(/\r?\n/).map((line) => line.split(':') as [string, string]));
}
