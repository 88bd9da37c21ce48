/**
 * The payment service as an order sees it: one live payment of an order, processed once, with two test cards, over gRPC by its .proto
 * file. While `isAway` it breaks every connection; `isLosing` leaves payments without an outcome.
 */
import { type Payment, PaymentServiceDefinition, PaymentStatus } from '@punctual/contracts/grpc/payment';
import { createGrpcServer, requireIdentity } from '@punctual/grpc';
import { conflict, createVerifier, notFound } from '@punctual/http';
import { createMetrics, silentLogger } from '@punctual/telemetry';
import { TEST_SERVICE_KEY, type TestTokens, tcpProxy } from '@punctual/testing';

export const DECLINED_CARD = '4000000000000002';

type PlayedPayment = Payment & { userId: number; number: string };

export async function playPaymentService({ issuer, audience, jwksUrl }: TestTokens) {
  const payments = new Map<number, PlayedPayment>();

  function find(id: number, { userId }: { userId: number }): PlayedPayment {
    const payment = payments.get(id);
    if (payment?.userId !== userId) throw notFound('payment', id);
    return payment;
  }

  function process(payment: PlayedPayment): void {
    if (payment.status === PaymentStatus.FAILED) throw conflict('ILLEGAL_TRANSITION', '', { current: 'failed' });
    if (state.isLosing) payment.status = PaymentStatus.PROCESSING;
    else if (payment.number === DECLINED_CARD) {
      Object.assign(payment, { status: PaymentStatus.FAILED, failure: 'CARD_DECLINED' });
    } else if (payment.status !== PaymentStatus.SUCCEEDED) {
      state.captures += 1;
      Object.assign(payment, { status: PaymentStatus.SUCCEEDED, capturedAt: new Date() });
    }
  }

  const logger = silentLogger();
  const server = createGrpcServer({
    service: 'payment',
    host: '127.0.0.1',
    port: 0,
    services: [
      {
        definition: PaymentServiceDefinition,
        implementation: {
          async createPayment({ orderId, card }, call) {
            const { userId } = await requireIdentity(call);
            const live = paymentsOf(orderId).find((one) => one.status !== PaymentStatus.FAILED);
            if (live !== undefined) throw conflict('PAYMENT_EXISTS', '', { payment_id: live.id, status: live.status });
            const now = new Date();
            const number = card?.number ?? '';
            const payment: PlayedPayment = {
              id: payments.size + 1,
              orderId,
              userId,
              number,
              amountMinor: 2_500,
              currency: 'USD',
              status: PaymentStatus.PENDING,
              cardLast4: number.slice(-4),
              createdAt: now,
              updatedAt: now,
            };
            payments.set(payment.id, payment);
            return { payment };
          },
          async processPayment({ id }, call) {
            const payment = find(id, await requireIdentity(call));
            process(payment);
            return { payment };
          },
          getPayment: async ({ id }, call) => ({ payment: find(id, await requireIdentity(call)) }),
          batchGetPaymentsOfOrders: notPlayed,
          listPayments: notPlayed,
          refundPayment: notPlayed,
        },
      },
    ],
    verifier: createVerifier({ issuer, audience, jwksUrl, logger }),
    serviceKey: TEST_SERVICE_KEY,
    logger,
    metrics: createMetrics('payment'),
  });
  await server.start();
  const proxy = await tcpProxy(`http://${server.address}`);
  const state = {
    isLosing: false,
    captures: 0,
    set isAway(isAway: boolean) {
      if (isAway) proxy.cut();
      else proxy.heal();
    },
  };

  function paymentsOf(orderId: number): PlayedPayment[] {
    return [...payments.values()].filter((one) => one.orderId === orderId);
  }

  return {
    /** `host:port`. */
    address: `127.0.0.1:${proxy.port}`,
    state,
    paymentsOf,
    async stop() {
      await proxy.stop();
      await server.stop();
    },
  };
}

async function notPlayed(): Promise<never> {
  throw new Error('an order service does not ask for this');
}
