import type { PostgresNodeName } from '../../../infra/postgres/nodes.ts';
import { untilReady } from '../../../infra/probes.ts';
import { startProgram } from '../../../infra/supervisor.ts';
import type { Fault, World } from '../types.ts';
import { query, roles } from './databases.ts';
import { READY_LIMIT_MS, ready, signal, stackOf, start, stop } from './programs.ts';

const ROW = 'primary restart; primary killed, replica promoted; replica 30 s behind';
const BEHIND = '30s';
const ONE_LOOK_MS = 3_000;

export const postgresRestart: Fault = {
  name: 'postgres-restart',
  about: 'A Postgres server is shut down and started again: all its sessions end.',
  row: ROW,
  targets: ['primary', 'replica'],
  lastsMs: [500, 4_000],
  async strike(world, target) {
    const { primary, replica } = roles(world);
    await stop(world, target === 'replica' ? replica.name : primary.name);
    return { heal: () => backInPlace(world, primary.name) };
  },
};

/**
 * With synchronous replication nothing that was committed is lost with the primary. With asynchronous replication the last
 * moments may be, which is why the primary is then asked to step down instead of being killed.
 */
export const postgresPromote: Fault = {
  name: 'postgres-promote',
  about:
    'The primary is killed and does not come back; its replica is promoted, pgpool follows, and a fresh copy joins when healed.',
  row: ROW,
  targets: ['primary'],
  lastsMs: [2_000, 8_000],
  async strike(world) {
    const { primary } = roles(world);
    const mode = await query(world, primary, 'SHOW synchronous_standby_names');
    const isSynchronous = mode !== '';
    if (isSynchronous) await signal(world, primary.name, 'KILL');
    await promoteUnlessDone(world, primary.name);
    return {
      async heal() {
        const { promoted } = await backInPlace(world, primary.name);
        return { killed: isSynchronous, promoted };
      },
    };
  },
};

export const replicaDelay: Fault = {
  name: 'replica-delay',
  about: 'The replica applies every change 30 s late: reads that may lag see the past.',
  row: ROW,
  targets: ['replica'],
  lastsMs: [20_000, 35_000],
  async strike(world) {
    await setOnReplica(world, `ALTER SYSTEM SET recovery_min_apply_delay = '${BEHIND}'`);
    return {
      async heal() {
        await setOnReplica(world, 'ALTER SYSTEM RESET recovery_min_apply_delay');
        await caughtUp(world);
      },
    };
  },
};

export const readOnly: Fault = {
  name: 'read-only',
  about: 'The primary takes no writes: every transaction is read-only.',
  row: 'disk full or read-only',
  targets: ['primary'],
  lastsMs: [5_000, 12_000],
  async strike(world) {
    const { primary } = roles(world);
    await query(world, primary, "ALTER SYSTEM SET default_transaction_read_only = 'on'; SELECT pg_reload_conf()");
    return {
      async heal() {
        await query(world, primary, 'ALTER SYSTEM RESET default_transaction_read_only; SELECT pg_reload_conf()');
        await untilReady(() => expect(world, 'SHOW default_transaction_read_only', 'off'), { limitMs: READY_LIMIT_MS });
      },
    };
  },
};

/**
 * Both servers run in the parts that they had, which is where a run looks for them. A primary that stayed away for longer than the
 * stack is patient has been replaced meanwhile, by the stack itself: then it rejoins, and a planned switch takes it back.
 */
export async function backInPlace(world: World, primary: PostgresNodeName): Promise<{ promoted: boolean }> {
  const isReplaced = () => roles(world).primary.name !== primary;
  if (!isReplaced()) {
    await startProgram(stackOf(world), primary);
    await untilReady(async () => void (isReplaced() || (await ready(world, primary, ONE_LOOK_MS))), {
      limitMs: READY_LIMIT_MS,
    });
  }
  const promoted = isReplaced();
  if (promoted) {
    await world.stack('rejoin');
    await world.stack('promote');
    await world.stack('rejoin');
  }
  const { replica } = roles(world);
  await start(world, replica.name);
  await ready(world, 'pgpool');
  return { promoted };
}

/** The stack may have been quicker. */
async function promoteUnlessDone(world: World, primary: PostgresNodeName): Promise<void> {
  try {
    await world.stack('promote');
  } catch (error) {
    if (roles(world).primary.name === primary) throw error;
  }
}

async function setOnReplica(world: World, statement: string): Promise<void> {
  await query(world, roles(world).replica, `${statement}; SELECT pg_reload_conf()`);
}

async function expect(world: World, text: string, expected: string): Promise<void> {
  const found = await query(world, roles(world).primary, text);
  if (found !== expected) throw new Error(`${text} says ${found}, not ${expected}`);
}

/** The replica has applied all that the primary had when asked. */
async function caughtUp(world: World): Promise<void> {
  const { primary, replica } = roles(world);
  const position = await query(world, primary, 'SELECT pg_current_wal_lsn()');
  await untilReady(
    async () => {
      const applied = await query(world, replica, `SELECT pg_last_wal_replay_lsn() >= '${position}'`);
      if (applied !== 't') throw new Error(`the replica has not applied ${position}`);
    },
    { limitMs: READY_LIMIT_MS },
  );
}
