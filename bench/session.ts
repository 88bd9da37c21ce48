import { openShopState } from './probe/shop-state.ts';
import { prepareShop } from './shop.ts';
import { startStack } from './stack.ts';
import type { Bench } from './step.ts';

export type SessionOptions = {
  readonly stack: string;
  readonly root?: string;
  readonly portBase?: number;
  readonly keep: boolean;
  readonly quiet?: boolean;
  readonly connections: number;
  readonly seconds: number;
  readonly size: number;
  readonly signal: AbortSignal;
  say(line: string): void;
};

/** A stack with a shop in it, for as long as `work` lasts, and cleaned up however that ends. */
export async function withBench<T>(options: SessionOptions, work: (bench: Bench) => Promise<T>): Promise<T> {
  const { stack: name, connections, seconds, size, signal, say, ...stackOptions } = options;
  const stack = await startStack({ name, ...stackOptions });
  try {
    signal.throwIfAborted();
    say('preparing products and customers');
    const shop = await prepareShop(stack.settings);
    const state = await openShopState(stack.settings);
    try {
      return await work({ stack, shop, state, connections, seconds, size, signal, say });
    } finally {
      await state.close();
    }
  } catch (error) {
    // Ctrl-C ends children such as pgbench as well, which then look like failures of their own.
    throw signal.aborted ? signal.reason : error;
  } finally {
    await stack.clean();
  }
}

/** Ctrl-C once ends the work and cleans up; twice leaves everything as it is. */
export function interruptible(): AbortController {
  const controller = new AbortController();
  const interrupt = () => {
    if (controller.signal.aborted) process.exit(130);
    controller.abort(new Interrupted());
    console.log('\nInterrupted: stopping and cleaning up. Once more to leave everything as it is.');
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  return controller;
}

export class Interrupted extends Error {}
