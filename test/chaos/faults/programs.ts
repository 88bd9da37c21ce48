/** The stack's programs, as faults lay hands on them and make sure of them afterwards. */
import { untilReady } from '../../../infra/probes.ts';
import { type Readiness, serverReadiness } from '../../../infra/readiness.ts';
import { ensureSecrets } from '../../../infra/secrets.ts';
import { serviceReadiness } from '../../../infra/service-tasks.ts';
import { type StackSettings, stackSettings } from '../../../infra/stack-settings.ts';
import { programStates, signalProgram, startProgram, stopProgram } from '../../../infra/supervisor.ts';
import type { World } from '../types.ts';

export const SERVICES = ['gateway', 'auth', 'product', 'order', 'payment', 'mail'] as const;
export const READY_LIMIT_MS = 180_000;

export function stackOf({ settings }: World): StackSettings {
  return stackSettings({ name: settings.STACK, env: process.env, uid: process.getuid?.() ?? -1 });
}

export async function signal(world: World, program: string, name: 'KILL' | 'STOP' | 'CONT' | 'TERM'): Promise<void> {
  await signalProgram(stackOf(world), program, name);
}

/** Stops a program for good, until `start`. */
export async function stop(world: World, program: string): Promise<void> {
  await stopProgram(stackOf(world), program);
}

/** Starts what is stopped and resolves when it can be used. */
export async function start(world: World, ...programs: readonly string[]): Promise<void> {
  for (const program of programs) await startProgram(stackOf(world), program);
  await Promise.all(programs.map((program) => ready(world, program)));
}

/** 0 when it does not run. */
export async function pidOf(world: World, program: string): Promise<number> {
  return (await programStates(stackOf(world)))?.get(program)?.pid ?? 0;
}

/** Resolves when the program can be used: a server by its own proof, a service by its readiness. */
export async function ready(world: World, program: string, limitMs = READY_LIMIT_MS): Promise<void> {
  const stack = stackOf(world);
  const all: Readiness[] = [...serverReadiness(stack, ensureSecrets(stack)), ...serviceReadiness(stack)];
  const proof = all.find(({ programs }) => programs.includes(program));
  if (proof === undefined) throw new Error(`there is no way to tell whether ${program} is ready`);
  await untilReady(proof.probe, { limitMs });
}

export async function allReady(world: World, programs: readonly string[] = SERVICES): Promise<void> {
  await Promise.all(programs.map((program) => ready(world, program)));
}
