import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { PortName, StackSettings } from '../stack-settings.ts';

/** The two servers, named after the part that each has in a new stack. A promotion changes the parts, never the names. */
export const POSTGRES_NODES = ['postgres-primary', 'postgres-replica'] as const;
export type PostgresNodeName = (typeof POSTGRES_NODES)[number];

export type PostgresNode = {
  name: PostgresNodeName;
  portName: PortName;
  port: number;
  dataFolder: string;
};

export function postgresNode(settings: StackSettings, name: PostgresNodeName): PostgresNode {
  const portName = name === 'postgres-primary' ? 'postgresPrimary' : 'postgresReplica';
  return { name, portName, port: settings.ports[portName], dataFolder: join(postgresFolder(settings), name) };
}

export function otherNode(name: PostgresNodeName): PostgresNodeName {
  return name === 'postgres-primary' ? 'postgres-replica' : 'postgres-primary';
}

/** Who is the primary at present, and who its replica. */
export function postgresRoles(settings: StackSettings): { primary: PostgresNode; replica: PostgresNode } {
  const file = primaryFile(settings);
  const named = existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
  const primary = POSTGRES_NODES.find((name) => name === named) ?? 'postgres-primary';
  return { primary: postgresNode(settings, primary), replica: postgresNode(settings, otherNode(primary)) };
}

export function postgresFolder(settings: StackSettings): string {
  return join(settings.folders.data, 'postgres');
}

/**
 * The one place that says who is the primary. Both servers and pgpool read it when they start, so a former primary that
 * is started again, by whomever, refuses to be a second one.
 */
export function primaryFile(settings: StackSettings): string {
  return join(postgresFolder(settings), 'primary');
}

/** There while the primary acknowledges no commit that the replica has not flushed. */
export function synchronousFile(settings: StackSettings): string {
  return join(postgresFolder(settings), 'synchronous');
}
