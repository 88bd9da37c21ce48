import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { StackSettings } from '../stack-settings.ts';
import { startProgram, stopProgram } from '../supervisor.ts';
import type { PostgresNode } from './nodes.ts';

/** A server that is not the primary any more and whose data still is a primary's. */
export function isFormerPrimary(replica: PostgresNode): boolean {
  return existsSync(join(replica.dataFolder, 'PG_VERSION')) && !existsSync(join(replica.dataFolder, 'standby.signal'));
}

/**
 * Has the replica begin with a fresh copy of the primary: the one way that is right whatever became of its data. A former
 * primary's data is kept beside, until the next time: it may hold commits that nobody else has.
 */
export async function copyAnew(settings: StackSettings, replica: PostgresNode): Promise<void> {
  await stopProgram(settings, replica.name);
  if (isFormerPrimary(replica)) {
    const kept = `${replica.dataFolder}.former`;
    rmSync(kept, { recursive: true, force: true });
    renameSync(replica.dataFolder, kept);
  }
  rmSync(replica.dataFolder, { recursive: true, force: true });
  await startProgram(settings, replica.name);
}
