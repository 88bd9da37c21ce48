import { AuthServiceDefinition, UserServiceDefinition } from '@punctual/contracts/grpc/auth';
import { OrderServiceDefinition } from '@punctual/contracts/grpc/order';
import { PaymentServiceDefinition } from '@punctual/contracts/grpc/payment';
import { ProductServiceDefinition } from '@punctual/contracts/grpc/product';
import type { Resolver } from '@punctual/coordination';
import { createGrpcClient, type GrpcCalls, judgeCall } from '@punctual/grpc';
import type { Policies } from '@punctual/resilience';
import type { Logger, Metrics } from '@punctual/telemetry';

/** The calls that the graph is made of; each is one function of a service. */
export type Services = {
  readonly auth: GrpcCalls<AuthServiceDefinition>;
  readonly users: GrpcCalls<UserServiceDefinition>;
  readonly products: GrpcCalls<ProductServiceDefinition>;
  readonly orders: GrpcCalls<OrderServiceDefinition>;
  readonly payments: GrpcCalls<PaymentServiceDefinition>;
};

export type ServicesOptions = {
  readonly resolver: Resolver;
  readonly policies: Policies;
  readonly serviceKey: string;
  /** Of a call that only reads. */
  readonly readTimeoutMs: number;
  /** Of any call; the longest that one may take. */
  readonly writeTimeoutMs: number;
  /** Calls of each service at a time. */
  readonly concurrency: number;
  readonly logger: Logger;
  readonly metrics: Metrics;
};

const FROM = 'gateway';

/** Clients of all services; each service has one policy, whichever of its interfaces is called. */
export function createServices(options: ServicesOptions): Services & { close(): void } {
  const { policies, concurrency, writeTimeoutMs, readTimeoutMs, ...rest } = options;
  const to = (service: string) => ({
    ...rest,
    service,
    from: FROM,
    timeoutMs: readTimeoutMs,
    policy: policies.create(service, { timeoutMs: writeTimeoutMs, concurrency, judge: judgeCall }),
  });
  const toAuth = to('auth');
  const auth = createGrpcClient({ ...toAuth, definition: AuthServiceDefinition });
  const users = createGrpcClient({ ...toAuth, definition: UserServiceDefinition });
  const products = createGrpcClient({ ...to('product'), definition: ProductServiceDefinition });
  const orders = createGrpcClient({ ...to('order'), definition: OrderServiceDefinition });
  const payments = createGrpcClient({ ...to('payment'), definition: PaymentServiceDefinition });
  return {
    auth: auth.calls,
    users: users.calls,
    products: products.calls,
    orders: orders.calls,
    payments: payments.calls,
    close() {
      for (const client of [auth, users, products, orders, payments]) client.close();
    },
  };
}
