import { pause } from '@punctual/lifecycle';

/** A wait that another part of the process can cut short. A call that comes while nobody waits is not lost. */
export type Wakeup = {
  wake(): void;
  /** Until woken, or `timeoutMs`, or aborted. */
  wait(timeoutMs: number, signal: AbortSignal): Promise<void>;
};

export function createWakeup(): Wakeup {
  let isWoken = false;
  let waiting: AbortController | undefined;
  return {
    wake() {
      isWoken = true;
      waiting?.abort();
    },
    async wait(timeoutMs, signal) {
      if (!isWoken) {
        waiting = new AbortController();
        await pause(timeoutMs, AbortSignal.any([signal, waiting.signal]));
        waiting = undefined;
      }
      isWoken = false;
    },
  };
}
