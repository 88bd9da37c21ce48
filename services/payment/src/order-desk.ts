import { type Order, OrderServiceDefinition, OrderStatus, StockState } from '@punctual/contracts/grpc/order';
import type { Resolver } from '@punctual/coordination';
import { createGrpcClient, judgeCall } from '@punctual/grpc';
import { AppError, unavailable } from '@punctual/http';
import type { Policies } from '@punctual/resilience';
import type { Logger, Metrics } from '@punctual/telemetry';
import type { OrderDesk, OrderFacts } from './commands/order-desk.ts';

const DEPENDENCY = 'order';
const TIMEOUT_MS = 2_000;
const CONCURRENCY = 64;
const QUEUE = 256;

const STATUSES = {
  [OrderStatus.PENDING]: 'PENDING',
  [OrderStatus.PAID]: 'PAID',
  [OrderStatus.COMPLETED]: 'COMPLETED',
  [OrderStatus.CANCELLED]: 'CANCELLED',
  [OrderStatus.REFUNDED]: 'REFUNDED',
  [OrderStatus.UNSPECIFIED]: undefined,
} as const satisfies Record<OrderStatus, OrderFacts['status'] | undefined>;
const STOCK_STATES = {
  [StockState.PENDING]: 'pending',
  [StockState.RESERVED]: 'reserved',
  [StockState.REJECTED]: 'rejected',
  [StockState.UNSPECIFIED]: undefined,
} as const satisfies Record<StockState, OrderFacts['stock'] | undefined>;

export type OrderDeskOptions = {
  readonly resolver: Resolver;
  readonly policies: Policies;
  readonly serviceKey: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
};

/** The order service over gRPC, asked with the caller's own token: what they may not see there they cannot pay here. */
export function createOrderDesk({
  policies,
  ...options
}: OrderDeskOptions): OrderDesk & { connect(): void; close(): void } {
  const policy = policies.create(DEPENDENCY, {
    timeoutMs: TIMEOUT_MS,
    concurrency: CONCURRENCY,
    queue: QUEUE,
    judge: judgeCall,
  });
  const { calls, connect, close } = createGrpcClient({
    ...options,
    definition: OrderServiceDefinition,
    service: DEPENDENCY,
    from: 'payment',
    policy,
    timeoutMs: TIMEOUT_MS,
  });
  return {
    order: async (id, authorization) => factsOf((await calls.getOrder({ id }, { authorization })).order),
    async refund(id, authorization) {
      try {
        await calls.refundOrder({ id }, { authorization });
      } catch (error) {
        // Decided before, by a request that died or whose answer was lost: the money has yet to follow.
        if (!isRefundedAlready(error)) throw error;
      }
    },
    connect,
    close,
  };
}

/** An answer that says less than it must is as good as none. */
function factsOf(message: Order | undefined): OrderFacts {
  const status = message && STATUSES[message.status];
  const stock = message && STOCK_STATES[message.stock];
  if (message?.expiresAt === undefined || status === undefined || stock === undefined) {
    throw unavailable(DEPENDENCY, undefined, message);
  }
  const { totalMinor: amountMinor, currency, expiresAt } = message;
  return { status, stock, amountMinor, currency, expiresAt };
}

function isRefundedAlready(error: unknown): boolean {
  if (!(error instanceof AppError) || error.code !== 'ILLEGAL_TRANSITION') return false;
  const { details } = error;
  return typeof details === 'object' && details !== null && 'current' in details && details.current === 'REFUNDED';
}
