/** SQL of the faults, as Postgres' superuser and past pgpool. */
import { postgresUrl } from '../../../infra/connections.ts';
import { type PostgresNode, postgresRoles } from '../../../infra/postgres/nodes.ts';
import { sql } from '../../../infra/probes.ts';
import { ensureSecrets } from '../../../infra/secrets.ts';
import type { World } from '../types.ts';
import { stackOf } from './programs.ts';

const LIMIT_MS = 15_000;

/** A promotion changes the parts, so they are asked for each time. */
export function roles(world: World): { primary: PostgresNode; replica: PostgresNode } {
  return postgresRoles(stackOf(world));
}

export async function query(world: World, node: PostgresNode, text: string, database = 'postgres'): Promise<string> {
  const { superuser } = ensureSecrets(stackOf(world));
  return await sql(postgresUrl('postgres', superuser, node.port, database), text, LIMIT_MS);
}

/** On the primary, in the database of one service. */
export async function queryService(world: World, service: string, text: string): Promise<string> {
  return await query(world, roles(world).primary, text, `${world.settings.DATABASE_PREFIX}_${service}`);
}
