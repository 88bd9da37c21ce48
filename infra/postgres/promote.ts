import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { postgresUrl } from '../connections.ts';
import { untilReady } from '../probes.ts';
import { killPostgresIn } from '../processes.ts';
import { type Readiness, serverReadiness } from '../readiness.ts';
import { run } from '../run.ts';
import type { Secrets } from '../secrets.ts';
import type { StackSettings } from '../stack-settings.ts';
import { allSteps, type Steps } from '../steps.ts';
import { askToStop, programStates, startProgram, stopProgram } from '../supervisor.ts';
import { UserError } from '../user-error.ts';
import { ask } from './ask.ts';
import { type PostgresNode, type PostgresNodeName, postgresRoles, primaryFile, synchronousFile } from './nodes.ts';
import { postgresBin } from './postgres.ts';
import { replicaState } from './replication.ts';
import { PROMOTE_SQL } from './roles.ts';

const CONTROL_DATA_LIMIT_MS = 10_000;
const ALIVE_LIMIT_MS = 2_500;
const READY_LIMIT_MS = 30_000;
const CATCH_UP_LIMIT_MS = 10_000;
const FENCE_LIMIT_MS = 40_000;
const POLL_MS = 50;

/**
 * Makes the replica the primary. In this order, so that there are never two: the primary is stopped and nothing of it runs; the file
 * that names the primary says otherwise; the replica is promoted; pgpool starts with the new primary. What is interrupted after the
 * second step is completed by the next `up`.
 */
export async function promote(
  settings: StackSettings,
  secrets: Secrets,
  options: { mayLose: boolean; onlyWhenLost?: boolean },
  steps: Steps,
): Promise<void> {
  const { primary, replica } = postgresRoles(settings);
  const admin = (node: PostgresNode) => postgresUrl('postgres', secrets.superuser, node.port, 'postgres');
  const [isAlive] = await Promise.all([answers(admin(primary)), requireStandby(admin(replica), replica)]);
  if (isAlive && options.onlyWhenLost) return;
  if (isAlive) {
    if ((await replicaState(admin(primary))) === 'absent')
      throw new UserError(
        `${replica.name} does not stream from ${primary.name}, which works`,
        'Wait until it does (make health), or: node infra/stack.ts rejoin',
      );
    await steps.step(`Stop ${primary.name}, which sends the replica its last changes`, () =>
      stopProgram(settings, primary.name),
    );
    await requireCaughtUp(settings, admin(replica), primary);
  } else if (!options.mayLose && !isSynchronous(settings)) {
    throw new UserError(
      `${primary.name} does not answer, and with asynchronous replication ${replica.name} may lack what was committed last`,
      `Bring the primary back (node infra/stack.ts start ${primary.name}), or give that up: node infra/stack.ts promote --accept-loss`,
    );
  }
  await steps.step(`Nothing of ${primary.name} runs any more`, () => fence(settings, primary));
  // With one copy there is nobody to wait for.
  rmSync(synchronousFile(settings), { force: true });
  namePrimary(settings, replica.name);
  await allSteps([
    steps.step(`${replica.name} is the primary`, async () => {
      // Whoever may have started the former primary again after the fence and before it was named so.
      await fence(settings, primary);
      await ask(admin(replica), PROMOTE_SQL, READY_LIMIT_MS);
    }),
    steps.step('pgpool routes writes to it', () => restartPgpool(settings, secrets, replica)),
  ]);
}

/** pgpool reads who is the primary when it starts, so it need not wait until the promotion is over. */
async function restartPgpool(settings: StackSettings, secrets: Secrets, primary: PostgresNode): Promise<void> {
  await stopProgram(settings, 'pgpool');
  await startProgram(settings, 'pgpool');
  const write = `${postgresUrl('postgres', secrets.superuser, settings.ports.pgpool, 'postgres')}?application_name=stack-write`;
  await untilReady(
    async () => {
      const port = Number(await ask(write, 'SELECT inet_server_port()'));
      if (port !== primary.port) throw new Error(`a write session reached the server on port ${port}`);
    },
    { limitMs: READY_LIMIT_MS },
  );
}

/** The proof that a server can be used in the part it has now. */
export function readinessOf(settings: StackSettings, secrets: Secrets, program: PostgresNodeName): Readiness {
  const found = serverReadiness(settings, secrets).find(({ programs }) => programs[0] === program);
  if (!found) throw new Error(`${program} has no proof of readiness`);
  return found;
}

async function answers(url: string): Promise<boolean> {
  try {
    await ask(url, 'SELECT 1', ALIVE_LIMIT_MS);
    return true;
  } catch (error) {
    if (error instanceof Error) return false;
    throw error;
  }
}

/** While the file is there, the replica has every commit that was acknowledged. */
function isSynchronous(settings: StackSettings): boolean {
  return settings.replication === 'synchronous' && existsSync(synchronousFile(settings));
}

async function requireStandby(url: string, replica: PostgresNode): Promise<void> {
  let answer: string;
  try {
    answer = await ask(url, 'SELECT pg_is_in_recovery()');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(
      `${replica.name} cannot take over: ${reason}`,
      'Only a replica that answers can be promoted: make status, make health.',
    );
  }
  if (answer !== 'true') throw new UserError(`${replica.name} is no replica`, 'Look at the stack with: make health');
}

/** After a clean stop the replica has everything up to the primary's last checkpoint, or it must not take over. */
async function requireCaughtUp(settings: StackSettings, replica: string, primary: PostgresNode): Promise<void> {
  const { output } = await run([`${postgresBin()}/pg_controldata`, '-D', primary.dataFolder], {
    timeoutMs: CONTROL_DATA_LIMIT_MS,
  });
  const state = /^Database cluster state: +(.*)$/m.exec(output)?.[1];
  const end = /^Latest checkpoint location: +(\S+)$/m.exec(output)?.[1];
  try {
    if (state !== 'shut down' || end === undefined) throw new Error(`${primary.name} was not shut down cleanly`);
    await untilReady(
      async () => {
        const received = await ask(replica, `SELECT coalesce(pg_last_wal_receive_lsn() >= '${end}', false)`);
        if (received !== 'true') throw new Error(`the replica has not received ${end}`);
      },
      { limitMs: CATCH_UP_LIMIT_MS },
    );
  } catch (error) {
    await startProgram(settings, primary.name);
    const reason = error instanceof Error ? error.message : String(error);
    throw new UserError(
      `The replica did not get everything: ${reason}`,
      `${primary.name} is started again and stays the primary.`,
    );
  }
}

/** A hung server holds its connections and a killed one may leave processes behind; supervisord must not start it again. */
async function fence(settings: StackSettings, former: PostgresNode): Promise<void> {
  const deadline = Date.now() + FENCE_LIMIT_MS;
  for (;;) {
    // First the word to supervisord, which would start again what is killed.
    await askToStop(settings, former.name);
    const left = killPostgresIn(former.dataFolder);
    const state = (await programStates(settings))?.get(former.name)?.state ?? '';
    if (left === 0 && ['STOPPED', 'FATAL'].includes(state)) return;
    if (Date.now() > deadline) throw new Error(`${former.name} cannot be stopped (${state})`);
    await delay(POLL_MS);
  }
}

function namePrimary(settings: StackSettings, name: PostgresNodeName): void {
  const file = primaryFile(settings);
  writeFileSync(`${file}.new`, `${name}\n`, { mode: 0o644, flush: true });
  renameSync(`${file}.new`, file);
}
