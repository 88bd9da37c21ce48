import { formatMoney, type orderApi } from '@punctual/contracts';
import type { Order } from '../store/orders.ts';
import type { CreationFacts, OrderRequest } from '../store/place-orders.ts';

type Item = Order['items'][number];

/** An order as it is now. */
export function orderView(order: Order): orderApi.OrderView {
  return {
    id: order.id,
    request_id: order.requestId,
    status: order.status,
    reason: order.reason,
    stock: order.stock,
    fulfillment: order.fulfillment,
    description: order.description,
    shipping_address: order.shippingAddress,
    notes: order.notes,
    items: order.items.map(itemView),
    total_amount: formatMoney(order.totalMinor),
    currency: order.currency,
    expires_at: order.expiresAt.toISOString(),
    created_at: order.createdAt.toISOString(),
    updated_at: order.updatedAt.toISOString(),
  };
}

/**
 * An order as it was when it was created, whatever has become of it since: the answer to the request that created it and,
 * byte for byte, to every replay of that request. A replay has the same body, so the request's own texts will do.
 */
export function placedView({ request, facts }: { request: OrderRequest; facts: CreationFacts }): orderApi.OrderView {
  return {
    id: facts.id,
    request_id: request.requestId,
    status: 'PENDING',
    reason: null,
    stock: 'pending',
    fulfillment: 'unfulfilled',
    description: request.description,
    shipping_address: request.shippingAddress,
    notes: request.notes,
    items: facts.items.map(itemView),
    total_amount: formatMoney(facts.totalMinor),
    currency: facts.currency,
    expires_at: facts.expiresAt,
    created_at: facts.createdAt,
    updated_at: facts.createdAt,
  };
}

function itemView({ id, productId, name, quantity, unitPriceMinor }: Item) {
  return {
    id,
    product_id: productId,
    name,
    quantity,
    unit_price: formatMoney(unitPriceMinor),
    total_price: formatMoney(unitPriceMinor * quantity),
  };
}
