/**
 * Plays the order service by its .proto file: GetOrder and RefundOrder over gRPC. As the real one it verifies the caller's token by
 * itself. While `isAway` it breaks every connection.
 */
import { type Order, OrderServiceDefinition, OrderStatus, StockState } from '@punctual/contracts/grpc/order';
import { type Call, createGrpcServer, requireAdmin, requireIdentity } from '@punctual/grpc';
import { conflict, createVerifier, notFound } from '@punctual/http';
import { createMetrics, silentLogger } from '@punctual/telemetry';
import { TEST_SERVICE_KEY, type TestTokens, tcpProxy } from '@punctual/testing';

const DAY_MS = 86_400_000;
const STOCK_STATES = {
  pending: StockState.PENDING,
  reserved: StockState.RESERVED,
  rejected: StockState.REJECTED,
} as const;

export type PlayedOrder = {
  id: number;
  userId: number;
  status: 'PENDING' | 'PAID' | 'COMPLETED' | 'CANCELLED' | 'REFUNDED';
  stock: keyof typeof STOCK_STATES;
  totalMinor: number;
  expiresAt: Date;
};

export type PlayedOrderService = Awaited<ReturnType<typeof playOrderService>>;

export async function playOrderService({ issuer, audience, jwksUrl }: TestTokens) {
  const orders = new Map<number, PlayedOrder>();
  let lastId = Math.floor(Math.random() * 1_000_000);

  async function find(id: number, call: Call): Promise<PlayedOrder> {
    const { userId, role } = await requireIdentity(call);
    const order = orders.get(id);
    if (order === undefined || (role !== 'admin' && order.userId !== userId)) throw notFound('order', id);
    return order;
  }

  const logger = silentLogger();
  const server = createGrpcServer({
    service: 'order',
    host: '127.0.0.1',
    port: 0,
    services: [
      {
        definition: OrderServiceDefinition,
        implementation: {
          async getOrder({ id }, call) {
            state.calls.push(`GetOrder ${id}`);
            return { order: messageOf(await find(id, call)) };
          },
          async refundOrder({ id }, call) {
            state.calls.push(`RefundOrder ${id}`);
            await requireAdmin(call);
            const order = await find(id, call);
            const { status: current } = order;
            if (current !== 'PAID') throw conflict('ILLEGAL_TRANSITION', '', { current, requested: 'REFUNDED' });
            order.status = 'REFUNDED';
            return { order: messageOf(order) };
          },
          createOrder: notPlayed,
          listOrders: notPlayed,
          payOrder: notPlayed,
          cancelOrder: notPlayed,
          getTimeline: notPlayed,
          batchGetTimelines: notPlayed,
        },
      },
    ],
    verifier: createVerifier({ issuer, audience, jwksUrl, logger }),
    serviceKey: TEST_SERVICE_KEY,
    logger,
    metrics: createMetrics('order'),
  });
  await server.start();
  const proxy = await tcpProxy(`http://${server.address}`);
  const state = {
    /** Method and order, as they came. */
    calls: [] as string[],
    set isAway(isAway: boolean) {
      if (isAway) proxy.cut();
      else proxy.heal();
    },
  };

  return {
    /** `host:port`. */
    address: `127.0.0.1:${proxy.port}`,
    state,
    place(userId: number, fields: Partial<PlayedOrder> = {}): PlayedOrder {
      lastId += 1;
      const expiresAt = new Date(Date.now() + DAY_MS);
      const order: PlayedOrder = {
        id: lastId,
        userId,
        status: 'PENDING',
        stock: 'reserved',
        totalMinor: 2_500_000,
        expiresAt,
        ...fields,
      };
      orders.set(order.id, order);
      return order;
    },
    async stop() {
      await proxy.stop();
      await server.stop();
    },
  };
}

async function notPlayed(): Promise<never> {
  throw new Error('a payment service does not ask for this');
}

function messageOf({ id, userId, status, stock, totalMinor, expiresAt }: PlayedOrder): Partial<Order> {
  return {
    id,
    userId,
    status: OrderStatus[status],
    stock: STOCK_STATES[stock],
    totalMinor,
    currency: 'USD',
    expiresAt,
  };
}
