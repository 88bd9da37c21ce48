import type { CreationFacts, OrderRequest } from '../store/place-orders.ts';
import type { ShownOrder } from './orders.ts';

/**
 * An order as it was when it was created, whatever has become of it since: the answer to the request that created it and,
 * byte for byte, to every replay of that request. A replay has the same body, so the request's own texts will do.
 */
export function placedOrder({ request, facts }: { request: OrderRequest; facts: CreationFacts }): ShownOrder {
  const createdAt = new Date(facts.createdAt);
  return {
    id: facts.id,
    userId: request.userId,
    requestId: request.requestId,
    status: 'PENDING',
    reason: null,
    stock: 'pending',
    fulfillment: 'unfulfilled',
    description: request.description,
    shippingAddress: request.shippingAddress,
    notes: request.notes,
    items: facts.items,
    totalMinor: facts.totalMinor,
    currency: facts.currency,
    expiresAt: new Date(facts.expiresAt),
    createdAt,
    updatedAt: createdAt,
  };
}
