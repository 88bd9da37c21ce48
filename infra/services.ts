/**
 * The one list of the shop's services. `up` runs those whose `services/NAME/src/main.ts` exists; the gateway comes last
 * since it has nothing to route to before.
 */
export const SERVICES = ['auth', 'product', 'order', 'payment', 'mail', 'gateway'] as const;
export type ServiceName = (typeof SERVICES)[number];

/** Those with a database of their own, hence with migrations. */
export const DATABASE_SERVICES = [
  'auth',
  'product',
  'order',
  'payment',
  'mail',
] as const satisfies readonly ServiceName[];
export type DatabaseService = (typeof DATABASE_SERVICES)[number];

/** Those that others call over gRPC. */
export const GRPC_SERVICES = ['auth', 'product', 'order', 'payment'] as const satisfies readonly ServiceName[];
export type GrpcService = (typeof GRPC_SERVICES)[number];

/** Those that bring sample data: the demo logins and a small catalog. */
export const SEEDED_SERVICES = ['auth', 'product'] as const satisfies readonly ServiceName[];

export function isService(name: string): name is ServiceName {
  return (SERVICES as readonly string[]).includes(name);
}

export function isDatabaseService(name: string): name is DatabaseService {
  return (DATABASE_SERVICES as readonly string[]).includes(name);
}
