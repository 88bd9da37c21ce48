import { setImmediate as nextTurn } from 'node:timers/promises';
import { pause } from '@punctual/lifecycle';

export type GatheringOptions<T> = {
  handle(items: T[]): Promise<void>;
  /** Rest after a call with fewer than `full` items, so that what is written meanwhile shares the next one. */
  readonly lingerMs: number;
  readonly full: number;
  /** Ends a rest. */
  readonly signal: AbortSignal;
};

/**
 * Lets the partitions of one fetch share a handler call, and with it a transaction: they are handed over within one turn
 * of the event loop. A transaction costs as much as a dozen messages, so few large ones are what makes a consumer fast.
 * The promise settles as the shared call does; the items of each caller keep their order. Who brings nothing rests too.
 */
export function createGathering<T>({ handle, lingerMs, full, signal }: GatheringOptions<T>) {
  let open: { readonly items: T[]; readonly done: Promise<void> } | undefined;

  async function handleWhenGathered(items: T[]): Promise<void> {
    await nextTurn();
    open = undefined;
    if (items.length > 0) await handle(items);
    if (items.length < full) await pause(lingerMs, signal);
  }

  return function gather(items: readonly T[]): Promise<void> {
    if (open === undefined) {
      const gathered: T[] = [];
      open = { items: gathered, done: handleWhenGathered(gathered) };
    }
    open.items.push(...items);
    return open.done;
  };
}
