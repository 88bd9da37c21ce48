import { paymentApi } from '@punctual/contracts';
import { AppError, createServiceClient } from '@punctual/http';
import { z } from 'zod';
import type { PaymentDesk } from './commands/pay-order.ts';

/** Beyond what the payment service gives its provider, so that its answer is heard. */
const TIMEOUT_MS = 8_000;
const CONNECTIONS = 64;

const existing = z.object({ payment_id: z.int().positive() });

/** Asks the payment service over HTTP, with the caller's own token: what is not theirs they cannot pay. */
export function createPaymentDesk(baseUrl: string): PaymentDesk & { close(): Promise<void> } {
  const client = createServiceClient({ name: 'payment', baseUrl, timeoutMs: TIMEOUT_MS, connections: CONNECTIONS });
  const schema = paymentApi.payment;

  /** An order has one live payment: when there is one already, perhaps of a call that died, it is the one to go on with. */
  async function createOrFind({ orderId, method, authorization }: Parameters<PaymentDesk['pay']>[0]): Promise<number> {
    try {
      const body = { order_id: orderId, method };
      const created = await client.request({ method: 'POST', path: '/payments', body, authorization, schema });
      return created.id;
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
        return await client.request({ method: 'POST', path: `/payments/${id}/process`, authorization, schema });
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'ILLEGAL_TRANSITION') throw error;
        // Somebody else processed it to its end, or the order is in no state to be paid.
        const payment = await client.request({ path: `/payments/${id}`, authorization, schema });
        if (payment.status === 'pending') throw error;
        return payment;
      }
    },
    close: () => client.close(),
  };
}
