import { isIP } from 'node:net';
import { AppError, bearerToken, forbidden, type Identity, type Verifier } from '@punctual/http';
import type { CallContext } from 'nice-grpc';
import { AUTHORIZATION, CLIENT_ADDRESS, SERVICE_TOKEN } from './metadata-keys.ts';
import type { ServiceTokens } from './service-tokens.ts';

/** Who makes a call. Part of the context of every method that createGrpcServer serves. */
export type Caller = {
  /** The service that has proved to be calling; undefined for everybody else. */
  readonly service: string | undefined;
  /** The user whose access token came with the call. */
  identity(): Promise<Identity>;
};

/** What a method gets beside its request: `ProductServiceImplementation<CallExtra>`. */
export type CallExtra = { readonly caller: Caller };
export type Call = CallContext & CallExtra;

/** The user; throws 401 without a good token, and 503 when no keys are known to judge it by. */
export function requireIdentity(call: Call): Promise<Identity> {
  return call.caller.identity();
}

/** The user, who is an admin; throws 403 otherwise. */
export async function requireAdmin(call: Call): Promise<Identity> {
  const identity = await requireIdentity(call);
  if (identity.role !== 'admin') throw forbidden();
  return identity;
}

/** The name of the service of ours that makes the call; throws 401 for everybody else. */
export function requireService(call: Call): string {
  const { service } = call.caller;
  if (service === undefined) throw new AppError({ code: 'UNAUTHENTICATED', message: 'This call is for services.' });
  return service;
}

/** The client's address at the edge when one of our services says so, else that of the connection. */
export function clientAddressOf(call: Call): string {
  const stated = call.metadata.get(CLIENT_ADDRESS);
  if (call.caller.service !== undefined && stated !== undefined && isIP(stated) !== 0) return stated;
  return hostOf(call.peer);
}

/** Reads who is calling. A service token is judged at once, the user's only when somebody asks. */
export async function readCaller(
  context: CallContext,
  options: { verifier: Verifier; serviceTokens: ServiceTokens; onIdentity(identity: Identity): void },
): Promise<Caller> {
  const serviceToken = context.metadata.get(SERVICE_TOKEN);
  const service = serviceToken === undefined ? undefined : await options.serviceTokens.verify(serviceToken);
  return {
    service,
    async identity() {
      const identity = await options.verifier.verify(bearerToken(context.metadata.get(AUTHORIZATION)));
      options.onIdentity(identity);
      return identity;
    },
  };
}

/** `127.0.0.1:3000` → `127.0.0.1`, `::1:3000` → `::1`. */
function hostOf(peer: string): string {
  const end = peer.lastIndexOf(':');
  return end === -1 ? peer : peer.slice(0, end);
}
