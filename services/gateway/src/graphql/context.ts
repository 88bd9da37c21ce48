import type { CallerOptions } from '@punctual/grpc';
import { forbidden, type Identity, unauthenticated } from '@punctual/http';
import type { Loaders } from './loaders.ts';
import type { OrderWatch } from './order-watch.ts';
import type { Services } from './services.ts';

/** What the resolvers of one request have in common. */
export type GraphqlContext = {
  /** Whom the access token speaks for; undefined without one. */
  readonly identity: Identity | undefined;
  /** When it ends, in milliseconds since the epoch. */
  readonly tokenExpiresAtMs: number;
  /** What goes with every call: the token as it came, which each service verifies again, the client's address, and `signal`. */
  readonly caller: CallerOptions;
  readonly services: Services;
  readonly loaders: Loaders;
  readonly watch: OrderWatch;
  /** Aborted when the client has gone or its time is up. */
  readonly signal: AbortSignal;
  readonly writeTimeoutMs: number;
};

/** For calls of anybody. */
export function asAnybody({ caller }: GraphqlContext): CallerOptions {
  return caller;
}

/** For calls that need a user; throws UNAUTHENTICATED before any is made. */
export function asUser(context: GraphqlContext): CallerOptions {
  requireUser(context);
  return context.caller;
}

/** For calls that need an admin; throws FORBIDDEN for everybody else. */
export function asAdmin(context: GraphqlContext): CallerOptions {
  if (requireUser(context).role !== 'admin') throw forbidden('Only an administrator may do this.');
  return context.caller;
}

export function requireUser({ identity }: GraphqlContext): Identity {
  if (identity === undefined) throw unauthenticated();
  return identity;
}

/** A call that changes something is given more time, and does not end with the client: giving up on it leaves everybody in doubt. */
export function forWriting(context: GraphqlContext, caller: CallerOptions): CallerOptions {
  return { ...caller, signal: undefined, timeoutMs: context.writeTimeoutMs };
}
