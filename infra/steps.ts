import { UserError } from './user-error.ts';

const REMIND_EVERY_MS = 10_000;

/** Prints what `up` is doing, one line per step with its seconds. */
export type Steps = {
  /** Runs one step; a failure is printed with its words and rethrown. */
  step<T>(label: string, work: () => Promise<T>): Promise<T>;
  note(text: string): void;
  elapsedSeconds(): string;
};

export function createSteps(write: (line: string) => void): Steps {
  const startedAt = Date.now();
  return {
    async step(label, work) {
      const from = Date.now();
      // Silence for a minute would look like a hang.
      const reminder = setInterval(() => write(`  …  ${label}: ${seconds(from)} so far`), REMIND_EVERY_MS);
      try {
        const result = await work();
        write(`  ok ${label} (${seconds(from)})`);
        return result;
      } catch (error) {
        write(`  NO ${label} (${seconds(from)})`);
        throw error;
      } finally {
        clearInterval(reminder);
      }
    },
    note: (text) => write(`     ${text}`),
    elapsedSeconds: () => seconds(startedAt),
  };
}

function seconds(from: number): string {
  return `${((Date.now() - from) / 1000).toFixed(1)} s`;
}

/** Waits for all and then reports the first failure, so that no step goes on behind the error message. */
export async function allSteps(works: readonly Promise<unknown>[]): Promise<void> {
  const failures = (await Promise.allSettled(works)).flatMap((result) =>
    result.status === 'rejected' ? [result.reason] : [],
  );
  if (failures.length === 0) return;
  if (failures.length === 1 || !failures.every((failure) => failure instanceof UserError)) throw failures[0];
  const errors = failures as UserError[];
  throw new UserError(
    errors.map((error) => error.message).join('\n'),
    [...new Set(errors.map((error) => error.advice))].join('\n'),
  );
}
