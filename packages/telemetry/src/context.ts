import { AsyncLocalStorage } from 'node:async_hooks';

/** What every log line, outgoing call and outbox row of one piece of work has in common. */
export type Context = {
  readonly requestId?: string | undefined;
  readonly correlationId?: string | undefined;
  /** W3C trace context, version 00. */
  readonly traceparent?: string | undefined;
};

const storage = new AsyncLocalStorage<Context>();

/** Runs `fn`, and everything it awaits or schedules, in exactly this context. */
export function runWithContext<T>(context: Context, fn: () => T): T {
  return storage.run(context, fn);
}

export function currentContext(): Context | undefined {
  return storage.getStore();
}
