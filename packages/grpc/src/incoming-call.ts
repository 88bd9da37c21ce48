import { AsyncLocalStorage } from 'node:async_hooks';

/** The call that is being answered: calls made for it must not outlive it. */
export type IncomingCall = {
  /** When its caller gives up, in milliseconds since the epoch; Infinity when it waits as long as it takes. */
  readonly deadlineAtMs: number;
};

const storage = new AsyncLocalStorage<IncomingCall>();

export function runInCall<T>(call: IncomingCall, fn: () => T): T {
  return storage.run(call, fn);
}

export function currentCall(): IncomingCall | undefined {
  return storage.getStore();
}
