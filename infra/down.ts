import { rmSync } from 'node:fs';
import { endLeftovers } from './processes.ts';
import type { StackSettings } from './stack-settings.ts';
import { programStates, shutdownSupervisor } from './supervisor.ts';

/** Stops every program of the stack and makes sure that nothing of it is left. */
export async function down(settings: StackSettings, write: (line: string) => void): Promise<void> {
  const startedAt = Date.now();
  const isRunning = (await programStates(settings)) !== undefined;
  if (isRunning) await shutdownSupervisor(settings);
  const ended = await endLeftovers(settings);
  if (!isRunning && ended.length === 0) return write(`The stack ${settings.name} is not running.`);
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
  write(
    `The stack ${settings.name} is down (${seconds} s). Its data stays in ${settings.home}; make clean removes it.`,
  );
}

/** Stops the stack and removes everything it wrote: data, passwords, logs. Kafka's jars, which stacks share, stay. */
export async function clean(settings: StackSettings, write: (line: string) => void): Promise<void> {
  await down(settings, () => undefined);
  rmSync(settings.home, { recursive: true, force: true });
  write(`The stack ${settings.name} and its data are gone.`);
}
