import { AsyncLocalStorage } from 'node:async_hooks';

/** The call that is being answered: calls made for it end with its deadline, and those that only read when its caller leaves, too. */
export type IncomingCall = {
  /** When its caller gives up, in milliseconds since the epoch; Infinity when it waits as long as it takes. */
  readonly deadlineAtMs: number;
  /** Aborted when its caller has gone. */
  readonly signal: AbortSignal;
};

const storage = new AsyncLocalStorage<IncomingCall>();

export function runInCall<T>(call: IncomingCall, fn: () => T): T {
  return storage.run(call, fn);
}

/** For what is shared with others: it is not to end with the call that happened to come first. */
export function outsideCall<T>(fn: () => T): T {
  return storage.exit(fn);
}

export function currentCall(): IncomingCall | undefined {
  return storage.getStore();
}
