import { existsSync } from 'node:fs';
import { logTail } from './log-tail.ts';
import { missingJars } from './maven-jars.ts';
import { missingPackages } from './packages.ts';
import { checkMachine, checkPorts, checkRoom } from './preflight.ts';
import { type Readiness, serverReadiness } from './readiness.ts';
import { ensureSecrets } from './secrets.ts';
import { serviceReadiness } from './service-tasks.ts';
import { stackPlan } from './stack-plan.ts';
import { type StackSettings, stateFile } from './stack-settings.ts';
import { programStates } from './supervisor.ts';
import { logFile } from './supervisor-config.ts';
import { UserError } from './user-error.ts';

type Write = (line: string) => void;
const PROBE_LIMIT_MS = 10_000;

/** Asks every server and service once whether it can be used. True when all can. */
export async function checkHealth(settings: StackSettings, write: Write): Promise<boolean> {
  const states = await programStates(settings);
  if (!states) {
    write(`The stack ${settings.name} is not running. Start it with: make up`);
    return false;
  }
  const secrets = ensureSecrets(settings);
  const hasServices = serviceReadiness(settings).some(({ programs }) => (states.get(programs[0] ?? '')?.pid ?? 0) > 0);
  const targets = [...serverReadiness(settings, secrets), ...(hasServices ? serviceReadiness(settings) : [])];
  const results = await Promise.all(targets.map((target) => probeOnce(target, write)));
  if (!hasServices) write('  -  The services are not running (only the servers were asked for).');
  return results.every(Boolean);
}

async function probeOnce(target: Readiness, write: Write): Promise<boolean> {
  try {
    await withLimit(target.probe());
    write(`  ok ${target.label}`);
    return true;
  } catch (error) {
    write(`  NO ${target.label}: ${error instanceof Error ? error.message : String(error)}`);
    return false;
  }
}

/** Everything that could keep the stack from coming up or from working, each with what to do. True when all is well. */
export async function doctor(settings: StackSettings, write: Write): Promise<boolean> {
  const states = await programStates(settings);
  const checks: [string, () => unknown][] = [
    ['64-bit Linux, and a folder for the data that can be used', () => checkMachine(settings)],
    ['Debian packages of every server, Java', () => checkPackages(settings)],
    ['Jars of the servers that Maven fetches', () => checkJars(settings)],
  ];
  if (states === undefined) {
    const plan = stackPlan(settings, ensureSecrets(settings), { timeScale: 1 });
    checks.push(
      ['Enough memory and disk', () => checkRoom(settings, { servers: true, services: true })],
      ['Every port is free', () => checkPorts(settings, plan.programs)],
    );
  }
  let isWell = true;
  for (const [label, check] of checks) isWell = (await report(label, check, write)) && isWell;
  if (states === undefined) {
    write(
      existsSync(stateFile(settings.home))
        ? '  -  The stack is down. Start it with: make up'
        : '  -  The stack has never been up. Start it with: make up',
    );
    return isWell;
  }
  for (const { name, state } of states.values()) {
    if (!['BACKOFF', 'FATAL', 'EXITED', 'UNKNOWN'].includes(state)) continue;
    isWell = false;
    write(`  NO ${name} does not stay up (${state}). The end of its log:`);
    for (const line of logTail(logFile(settings, name), 8)) write(`     | ${line}`);
    write(`     When the cause is put right: make restart S=${name}`);
  }
  return (await checkHealth(settings, write)) && isWell;
}

async function report(label: string, check: () => unknown, write: Write): Promise<boolean> {
  try {
    await check();
    write(`  ok ${label}`);
    return true;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    write(`  NO ${label}`);
    for (const line of [...error.message.split('\n'), ...error.advice.split('\n')]) write(`     ${line}`);
    return false;
  }
}

async function checkPackages(settings: StackSettings): Promise<void> {
  const missing = await missingPackages(missingJars(settings).length > 0);
  if (missing.length > 0)
    throw new UserError(`Missing: ${missing.join(' ')}`, 'make up installs them (as root or with sudo).');
}

function checkJars(settings: StackSettings): void {
  const missing = missingJars(settings).map(({ server }) => server);
  if (missing.length > 0) {
    throw new UserError(`Not fetched yet: ${missing.join(', ')}`, 'make up fetches them with Maven.');
  }
}

async function withLimit(work: Promise<void>): Promise<void> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`no answer within ${PROBE_LIMIT_MS / 1000} s`)), PROBE_LIMIT_MS);
  try {
    await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
