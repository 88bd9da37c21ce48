import { paymentApi } from '@punctual/contracts';
import { type Payment, PaymentServiceDefinition, PaymentStatus } from '@punctual/contracts/grpc/payment';
import type { Resolver } from '@punctual/coordination';
import { createGrpcClient, judgeCall } from '@punctual/grpc';
import { AppError, unavailable } from '@punctual/http';
import type { Policies } from '@punctual/resilience';
import type { Logger, Metrics } from '@punctual/telemetry';
import { z } from 'zod';
import type { PaymentDesk, PaymentFacts, PaymentRequest } from './commands/pay-order.ts';

const DEPENDENCY = 'payment';
/** Beyond what the payment service gives its provider, so that its answer is heard. */
const TIMEOUT_MS = 8_000;
const CONCURRENCY = 64;
const QUEUE = 256;

const existing = z.object({ payment_id: z.int().positive() });
const failureOf = paymentApi.payment.shape.failure;
const STATUSES = {
  [PaymentStatus.PENDING]: 'pending',
  [PaymentStatus.PROCESSING]: 'processing',
  [PaymentStatus.SUCCEEDED]: 'succeeded',
  [PaymentStatus.FAILED]: 'failed',
  [PaymentStatus.REFUNDED]: 'refunded',
  [PaymentStatus.UNSPECIFIED]: undefined,
} as const satisfies Record<PaymentStatus, PaymentFacts['status'] | undefined>;

export type PaymentDeskOptions = {
  readonly resolver: Resolver;
  readonly policies: Policies;
  readonly serviceKey: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
};

/** Asks the payment service over gRPC, with the caller's own token: what is not theirs they cannot pay. */
export function createPaymentDesk({
  policies,
  ...options
}: PaymentDeskOptions): PaymentDesk & { connect(): void; close(): void } {
  const policy = policies.create(DEPENDENCY, {
    timeoutMs: TIMEOUT_MS,
    concurrency: CONCURRENCY,
    queue: QUEUE,
    judge: judgeCall,
  });
  const { calls, connect, close } = createGrpcClient({
    ...options,
    definition: PaymentServiceDefinition,
    service: DEPENDENCY,
    from: 'order',
    policy,
    timeoutMs: TIMEOUT_MS,
  });

  /** An order has one live payment: when there is one already, perhaps of a call that died, it is the one to go on with. */
  async function createOrFind({ orderId, method, authorization }: PaymentRequest): Promise<number> {
    try {
      const { number, exp_month: expMonth, exp_year: expYear, cvc } = method;
      const request = { orderId, card: { number, expMonth, expYear, cvc } };
      return factsOf((await calls.createPayment(request, { authorization })).payment).id;
    } catch (error) {
      if (!(error instanceof AppError) || error.code !== 'PAYMENT_EXISTS') throw error;
      const found = existing.safeParse(error.details);
      if (!found.success) throw error;
      return found.data.payment_id;
    }
  }

  return {
    async pay(request) {
      const { authorization } = request;
      const id = await createOrFind(request);
      try {
        return factsOf((await calls.processPayment({ id }, { authorization })).payment);
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'ILLEGAL_TRANSITION') throw error;
        // Somebody else processed it to its end, or the order is in no state to be paid.
        const payment = factsOf((await calls.getPayment({ id }, { authorization })).payment);
        if (payment.status === 'pending') throw error;
        return payment;
      }
    },
    connect,
    close,
  };
}

/** An answer that says less than it must is as good as none. */
function factsOf(message: Payment | undefined): PaymentFacts {
  const status = message && STATUSES[message.status];
  const failure = failureOf.safeParse(message?.failure ?? null);
  if (
    message?.createdAt === undefined ||
    message.updatedAt === undefined ||
    status === undefined ||
    failure.error !== undefined
  ) {
    throw unavailable(DEPENDENCY, undefined, message);
  }
  return {
    id: message.id,
    orderId: message.orderId,
    amountMinor: message.amountMinor,
    currency: message.currency,
    status,
    last4: message.cardLast4,
    failure: failure.data,
    capturedAt: message.capturedAt ?? null,
    refundedAt: message.refundedAt ?? null,
    createdAt: message.createdAt,
    updatedAt: message.updatedAt,
  };
}
