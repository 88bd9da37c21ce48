import type { ServerMiddleware } from 'nice-grpc';
import { HealthState } from 'nice-grpc-server-health';

/** grpc.health.v1 for the server as a whole and for each of its services. */
export type Health = {
  readonly state: HealthState;
  /** Ends the watches that would otherwise hold the server open. */
  readonly middleware: ServerMiddleware;
  serving(): void;
  /** Watchers are told before their streams end. */
  stopping(): void;
};

const WHOLE_SERVER = '';

export function createHealth(serviceNames: readonly string[]): Health {
  const state = HealthState();
  const stopping = new AbortController();
  const names = [WHOLE_SERVER, ...serviceNames];
  // Each watch listens, and there may be as many as clients.
  state.setMaxListeners(0);
  for (const name of names) state.setStatus('unhealthy', name);

  const middleware: ServerMiddleware = async function* endWhenStopping(call, context) {
    const signal = AbortSignal.any([context.signal, stopping.signal]);
    return yield* call.next(call.request, { ...context, signal });
  };

  return {
    state,
    middleware,
    serving() {
      for (const name of names) state.setStatus('healthy', name);
    },
    stopping() {
      for (const name of names) state.setStatus('unhealthy', name);
      setImmediate(() => stopping.abort());
    },
  };
}
