/** SQL of the faults, as Postgres' superuser and past pgpool. */
import { eventually } from '@punctual/testing';
import { postgresUrl } from '../../../infra/connections.ts';
import { type PostgresNode, postgresRoles } from '../../../infra/postgres/nodes.ts';
import { sql } from '../../../infra/probes.ts';
import { ensureSecrets } from '../../../infra/secrets.ts';
import type { World } from '../types.ts';
import { stackOf } from './programs.ts';

const LIMIT_MS = 15_000;
/** Another fault may have struck the primary meanwhile; it heals, or a replica takes over. */
const PRIMARY_BACK_MS = 90_000;
const ASK_AGAIN_MS = 500;

/** A promotion changes the parts, so they are asked for each time. */
export function roles(world: World): { primary: PostgresNode; replica: PostgresNode } {
  return postgresRoles(stackOf(world));
}

export async function query(world: World, node: PostgresNode, text: string, database = 'postgres'): Promise<string> {
  const { superuser } = ensureSecrets(stackOf(world));
  return await sql(postgresUrl('postgres', superuser, node.port, database), text, LIMIT_MS);
}

/** On the primary, in the database of one service: a statement that may be repeated, since it is until the primary has taken it. */
export async function queryService(world: World, service: string, text: string): Promise<string> {
  const database = `${world.settings.DATABASE_PREFIX}_${service}`;
  return await eventually(() => query(world, roles(world).primary, text, database), {
    timeoutMs: PRIMARY_BACK_MS,
    intervalMs: ASK_AGAIN_MS,
  });
}
