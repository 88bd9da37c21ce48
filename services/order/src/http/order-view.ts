import { formatMoney, type orderApi } from '@punctual/contracts';
import type { ShownOrder, TimelineEntry } from '../queries/orders.ts';

export function orderView(order: ShownOrder): orderApi.OrderView {
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

function itemView({ id, productId, name, quantity, unitPriceMinor }: ShownOrder['items'][number]) {
  return {
    id,
    product_id: productId,
    name,
    quantity,
    unit_price: formatMoney(unitPriceMinor),
    total_price: formatMoney(unitPriceMinor * quantity),
  };
}

export function timelineEntryView({
  at,
  type,
  actor,
  from,
  to,
  reason,
  detail,
}: TimelineEntry): orderApi.TimelineEntry {
  return { at: at.toISOString(), type, actor, from, to, reason, detail };
}
