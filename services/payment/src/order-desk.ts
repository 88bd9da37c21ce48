import { orderApi } from '@punctual/contracts';
import { AppError, createServiceClient } from '@punctual/http';
import type { OrderDesk } from './commands/order-desk.ts';

const TIMEOUT_MS = 2_000;

/** The order service over HTTP, asked with the caller's own token: what they may not see there they cannot pay here. */
export function createOrderDesk(baseUrl: string): OrderDesk & { close(): Promise<void> } {
  const client = createServiceClient({ name: 'order', baseUrl, timeoutMs: TIMEOUT_MS });
  return {
    async order(orderId, authorization) {
      const view = await client.request({ path: `/orders/${orderId}`, authorization, schema: orderApi.order });
      return {
        status: view.status,
        stock: view.stock,
        amountMinor: minorOf(view.total_amount),
        currency: view.currency,
        expiresAt: new Date(view.expires_at),
      };
    },
    async refund(orderId, authorization) {
      try {
        const path = `/orders/${orderId}/refund`;
        await client.request({ method: 'POST', path, authorization, schema: orderApi.order });
      } catch (error) {
        // Decided before, by a request that died or whose answer was lost: the money has yet to follow.
        if (!isRefundedAlready(error)) throw error;
      }
    },
    close: () => client.close(),
  };
}

function isRefundedAlready(error: unknown): boolean {
  if (!(error instanceof AppError) || error.code !== 'ILLEGAL_TRANSITION') return false;
  const { details } = error;
  return typeof details === 'object' && details !== null && 'current' in details && details.current === 'REFUNDED';
}

/** `"25000.00"` → 2500000; the contract has checked its form. */
function minorOf(amount: string): number {
  const minor = Number(amount.replace('.', ''));
  if (!Number.isSafeInteger(minor)) throw new RangeError('an amount beyond a safe integer');
  return minor;
}
