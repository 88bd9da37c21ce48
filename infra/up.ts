import { existsSync, writeFileSync } from 'node:fs';
import { logTail } from './log-tail.ts';
import { fetchJars, missingJars } from './maven-jars.ts';
import { installPackages, missingPackages } from './packages.ts';
import { POSTGRES_NODES, postgresRoles } from './postgres/nodes.ts';
import { copyAnew, isFormerPrimary } from './postgres/rejoin.ts';
import { checkMachine, checkPorts, checkRoom } from './preflight.ts';
import { prepareDatabases } from './prepare-databases.ts';
import { untilReady } from './probes.ts';
import { endLeftovers } from './processes.ts';
import { type Readiness, serverReadiness } from './readiness.ts';
import { forgetMovedCluster } from './redis/cluster.ts';
import { ensureSecrets, type Secrets } from './secrets.ts';
import { serviceReadiness } from './service-tasks.ts';
import { type StackPlan, stackPlan, writePlan } from './stack-plan.ts';
import { type StackSettings, type StackState, stateFile } from './stack-settings.ts';
import { allSteps, type Steps } from './steps.ts';
import { programStates, startProgram, startSupervisor, supervisorPid } from './supervisor.ts';
import { logFile } from './supervisor-config.ts';
import { UserError } from './user-error.ts';

export type UpOptions = {
  /** Backing servers alone, or the services too. Which servers there are is `settings.serverProfile`. */
  profile: 'servers' | 'all';
  timeScale: number;
  /** Services that run under `node --watch`. */
  watch?: readonly string[];
};

const SERVER_LIMIT_MS = 90_000;
const SERVICE_LIMIT_MS = 60_000;
/** A replica that can follow does so within a second or two; after this it is copied anew. */
const REPLICA_PATIENCE_MS = 15_000;
const LOG_TAIL_LINES = 12;
/** A program that crashed this often in a row will not come up by waiting. */
const HOPELESS_STATES = new Set(['FATAL', 'STOPPED', 'EXITED']);

/** Brings the stack to the wanted state from whatever state it is in; does only what is missing. */
export async function up(settings: StackSettings, options: UpOptions, steps: Steps): Promise<Secrets> {
  checkMachine(settings);
  await install(settings, steps);
  const secrets = ensureSecrets(settings);
  const plan = stackPlan(settings, secrets, options);
  await checkBeforeStart(settings, plan, options, steps);
  await writePlan(settings, plan);
  writeFileSync(
    stateFile(settings.home),
    JSON.stringify({
      portBase: settings.explicitPortBase ?? null,
      timeScale: options.timeScale,
      replication: settings.replication,
      failover: settings.failover,
      instances: settings.instances,
      serverProfile: settings.serverProfile,
    } satisfies StackState),
  );

  const { restarted } = await startSupervisor(settings);
  if (restarted.length > 0) steps.note(`Changed, hence restarted: ${restarted.join(' ')}`);
  const servers = plan.programs.filter(({ kind }) => kind === 'server').map(({ name }) => name);
  await startMissing(settings, servers);
  const ready = serverReadiness(settings, secrets).map((server) => ({
    server,
    done: awaitServer(settings, server, steps),
  }));
  const waits = ready.map(({ done }) => done);
  if (options.profile === 'servers') {
    await allSteps(waits);
    return secrets;
  }
  // Migrations need Postgres alone; RabbitMQ and Kafka take longer to start.
  const databases = ready
    .filter(({ server }) => POSTGRES_NODES.some((node) => server.programs.includes(node)))
    .map(({ done }) => done);
  await allSteps([...waits, allSteps(databases).then(() => prepareDatabases(settings, secrets, steps))]);
  await startMissing(
    settings,
    plan.programs.map(({ name }) => name),
  );
  await allSteps(serviceReadiness(settings).map((service) => awaitReady(settings, service, SERVICE_LIMIT_MS, steps)));
  return secrets;
}

async function install(settings: StackSettings, steps: Steps): Promise<void> {
  const absent = missingJars(settings);
  const missing = await missingPackages(absent.length > 0);
  const packages =
    missing.length > 0
      ? () => steps.step(`Installing ${missing.join(' ')}`, () => installPackages(missing))
      : undefined;
  const jars = async () => {
    for (const set of absent) {
      await steps.step(`Fetching ${set.server}'s jars with Maven`, () => fetchJars(settings, set));
    }
  };
  // Maven or Java may be among the packages; otherwise both can go on at once.
  if (missing.some((name) => name === 'maven' || name.startsWith('openjdk'))) {
    await packages?.();
    await jars();
  } else await allSteps([packages?.(), jars()].filter((work) => work !== undefined));
}

/** Everything that can be said before anything is started: leftovers, ports, memory, disk. */
async function checkBeforeStart(
  settings: StackSettings,
  plan: StackPlan,
  options: UpOptions,
  steps: Steps,
): Promise<void> {
  const states = await programStates(settings);
  const ended = await endLeftovers(settings, states ? await supervisorPid(settings) : undefined);
  if (ended.length > 0) {
    const names = [...new Set(ended.map(({ name }) => name))].join(' ');
    steps.note(`Ended ${ended.length} processes that an earlier run had left behind: ${names}`);
  }
  if (states === undefined) forgetMovedCluster(settings);
  const starting = plan.programs.filter(
    ({ name, kind }) => (options.profile === 'all' || kind === 'server') && (states?.get(name)?.pid ?? 0) === 0,
  );
  // A program that supervisord is about to try again still counts as ours even without a process.
  const fresh = starting.filter(({ name }) => !['BACKOFF', 'STARTING'].includes(states?.get(name)?.state ?? ''));
  await checkPorts(settings, fresh);
  if (states === undefined) checkRoom(settings, { servers: true, services: options.profile === 'all' });
}

async function startMissing(settings: StackSettings, names: readonly string[]): Promise<void> {
  const states = await programStates(settings);
  for (const name of names) {
    if (HOPELESS_STATES.has(states?.get(name)?.state ?? '')) await startProgram(settings, name);
  }
}

async function awaitServer(settings: StackSettings, server: Readiness, steps: Steps): Promise<void> {
  const { replica } = postgresRoles(settings);
  if (server.programs[0] !== replica.name) return awaitReady(settings, server, SERVER_LIMIT_MS, steps);
  await steps.step(server.label, async () => {
    const primary = () => hopeless(settings, server.programs);
    const wasPrimary = isFormerPrimary(replica);
    const isNew = wasPrimary || !existsSync(replica.dataFolder);
    if (wasPrimary) {
      steps.note(`${replica.name} was the primary before: copying it anew.`);
      await copyAnew(settings, replica);
    }
    try {
      await untilReady(server.probe, { limitMs: isNew ? SERVER_LIMIT_MS : REPLICA_PATIENCE_MS, abort: primary });
    } catch (error) {
      if (isNew) throw explain(settings, server, error);
      // Another timeline, a lost slot, a damaged folder: whatever it is, a fresh copy of the primary ends it.
      steps.note('The replica does not follow the primary: copying it anew.');
      await copyAnew(settings, replica);
      await reachOrExplain(settings, server, SERVER_LIMIT_MS);
    }
  });
}

function awaitReady(settings: StackSettings, target: Readiness, limitMs: number, steps: Steps): Promise<void> {
  return steps.step(target.label, () => reachOrExplain(settings, target, limitMs));
}

async function reachOrExplain(settings: StackSettings, target: Readiness, limitMs: number): Promise<void> {
  try {
    await untilReady(target.probe, { limitMs, abort: () => hopeless(settings, target.programs) });
  } catch (error) {
    throw explain(settings, target, error);
  }
}

async function hopeless(settings: StackSettings, programs: readonly string[]): Promise<string | undefined> {
  const states = await programStates(settings);
  if (states === undefined) return 'supervisord has ended';
  const failed = programs.find((name) => states.get(name)?.state === 'FATAL');
  return failed ? `${failed} could not be started` : undefined;
}

function explain(settings: StackSettings, target: Readiness, error: unknown): UserError {
  const [program = ''] = target.programs;
  const log = logFile(settings, program);
  const tail = logTail(log, LOG_TAIL_LINES);
  return new UserError(
    [
      `${program}: ${error instanceof Error ? error.message : String(error)}`,
      `The end of ${log}:`,
      ...tail.map((line) => `  | ${line}`),
    ].join('\n'),
    `Put that right and run the command again; more of the log: make logs S=${program}. If the data is damaged beyond repair: make clean up.`,
  );
}
