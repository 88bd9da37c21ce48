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
  write(`The stack ${settings.name} is down (${((Date.now() - startedAt) / 1000).toFixed(1)} s). Its data stays in ${settings.home}.`);
}
