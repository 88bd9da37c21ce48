import { existsSync, rmSync, writeFileSync } from 'node:fs';
import type { StackSettings } from '../stack-settings.ts';
import { ask } from './ask.ts';
import { synchronousFile } from './nodes.ts';
import { STANDBY_NAME } from './postgres.ts';

/** How the replica is seen by the primary: `sync` when commits wait for it, `async`, or `absent` when it does not stream. */
const REPLICA_STATE = `SELECT coalesce((SELECT sync_state FROM pg_stat_replication WHERE application_name = '${STANDBY_NAME}' AND state = 'streaming' LIMIT 1), 'absent')`;

export async function replicaState(admin: string): Promise<string> {
  return await ask(admin, REPLICA_STATE);
}

/**
 * From when this has succeeded, the primary acknowledges no commit that the replica has not flushed. It is asked for only when the
 * replica streams, since every commit would wait for one that is yet to be made. Rejects until the replica is the synchronous one.
 */
export async function waitForReplica(settings: StackSettings, admin: string): Promise<void> {
  if ((await replicaState(admin)) !== 'sync') {
    await ask(admin, `ALTER SYSTEM SET synchronous_standby_names = '${STANDBY_NAME}'`);
    await ask(admin, 'SELECT pg_reload_conf()');
    const state = await replicaState(admin);
    if (state !== 'sync') throw new Error(`the replica is ${state}, not yet synchronous`);
  }
  if (!existsSync(synchronousFile(settings))) writeFileSync(synchronousFile(settings), '');
}

/** Commits no longer wait for the replica; those that wait are let go. */
export async function stopWaiting(settings: StackSettings, admin: string): Promise<void> {
  // In this order, so that the file never promises more than the server does.
  rmSync(synchronousFile(settings), { force: true });
  if ((await ask(admin, 'SHOW synchronous_standby_names')) === '') return;
  await ask(admin, 'ALTER SYSTEM RESET synchronous_standby_names');
  await ask(admin, 'SELECT pg_reload_conf()');
}
