import { servers } from './servers.ts';
import { testName } from './test-name.ts';

/** The cluster's nodes, and a key prefix of the test's own. */
export function testRedis(label: string): { nodes: { host: string; port: number }[]; keyPrefix: string } {
  return { nodes: servers().redis.nodes.map((node) => ({ ...node })), keyPrefix: `${testName(label)}:` };
}
