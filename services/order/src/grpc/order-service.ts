import { formatMoney, orderApi } from '@punctual/contracts';
import type { CreateOrderRequest, OrderServiceImplementation } from '@punctual/contracts/grpc/order';
import {
  type Call,
  type CallExtra,
  parseId,
  parseIds,
  parseMessage,
  parseWindow,
  requireAdmin,
  requireIdentity,
} from '@punctual/grpc';
import { notFound } from '@punctual/http';
import type { Database } from '@punctual/postgres';
import type { createCancelOrder, createRefundOrder } from '../commands/decide-order.ts';
import { scopeOf } from '../commands/order-command.ts';
import type { createPayOrder } from '../commands/pay-order.ts';
import type { createPlaceOrder } from '../commands/place-order.ts';
import { getOrder, getOrders, getTimeline, getTimelines } from '../queries/orders.ts';
import { placedOrder } from '../queries/placed-order.ts';
import { orderMessage, paymentMessage, statusText, timelineMessage } from './messages.ts';

export type OrderServiceOptions = {
  readonly db: Database;
  readonly placeOrder: ReturnType<typeof createPlaceOrder>;
  readonly payOrder: ReturnType<typeof createPayOrder>;
  readonly cancelOrder: ReturnType<typeof createCancelOrder>;
  readonly refundOrder: ReturnType<typeof createRefundOrder>;
};

/** In a message a request id is never left out: there is no header that could stand in for it. */
const createOrderBody = orderApi.placeOrderBody.extend({ request_id: orderApi.requestId });

export function orderService(options: OrderServiceOptions): OrderServiceImplementation<CallExtra> {
  const { db, placeOrder, payOrder, cancelOrder, refundOrder } = options;
  return {
    async createOrder(request, call) {
      const { userId, email } = await requireIdentity(call);
      const body = parseMessage(createOrderBody, createBody(request));
      const placed = await placeOrder({ userId, email, requestId: body.request_id, body });
      return { order: orderMessage(placedOrder(placed)) };
    },
    async getOrder(request, call) {
      const caller = await requireIdentity(call);
      const id = parseId(request.id);
      return { order: orderMessage(found(id, await getOrder(db, id, scopeOf({ caller })))) };
    },
    async listOrders({ window, own, ...filters }, call) {
      const caller = await requireIdentity(call);
      const { limit, offset } = parseWindow(window);
      const {
        status,
        'start-date': startDate,
        'end-date': endDate,
      } = parseMessage(orderApi.ordersQuery, {
        status: statusText(filters.status),
        'start-date': filters.startDate,
        'end-date': filters.endDate,
      });
      const scope = own ? { userId: caller.userId } : scopeOf({ caller });
      const { orders, total } = await getOrders(db, { status, startDate, endDate, limit, offset }, scope);
      const info = { total, totalIsExact: true, hasMore: offset + orders.length < total };
      return { orders: orders.map(orderMessage), info };
    },
    async payOrder({ id, card }, call) {
      const caller = await requireIdentity(call);
      const orderId = parseId(id);
      const { method } = parseMessage(orderApi.payOrderBody, {
        method: card && {
          type: 'card',
          number: card.number,
          exp_month: card.expMonth,
          exp_year: card.expYear,
          cvc: card.cvc,
        },
      });
      const { order, payment } = await payOrder({ orderId, method, caller, authorization: authorizationOf(call) });
      return { order: orderMessage(order), payment: paymentMessage(payment) };
    },
    async cancelOrder({ id }, call) {
      const caller = await requireIdentity(call);
      return { order: orderMessage(await cancelOrder({ orderId: parseId(id), caller })) };
    },
    async refundOrder({ id }, call) {
      const caller = await requireAdmin(call);
      return { order: orderMessage(await refundOrder({ orderId: parseId(id), caller })) };
    },
    async getTimeline(request, call) {
      const caller = await requireIdentity(call);
      const id = parseId(request.id);
      const entries = found(id, await getTimeline(db, id, scopeOf({ caller })));
      return { entries: entries.map(timelineMessage) };
    },
    async batchGetTimelines({ ids }, call) {
      const caller = await requireIdentity(call);
      const timelines = await getTimelines(db, parseIds(ids), scopeOf({ caller }));
      return {
        timelines: [...timelines].map(([orderId, entries]) => ({ orderId, entries: entries.map(timelineMessage) })),
      };
    },
  };
}

/** The body of the HTTP request that says the same. */
function createBody({ requestId, description, shippingAddress, notes, items }: CreateOrderRequest) {
  return {
    request_id: requestId,
    description,
    shipping_address: shippingAddress,
    notes,
    items: items.map(({ productId, quantity, unitPriceMinor }) => ({
      product_id: productId,
      quantity,
      unit_price: unitPriceMinor === undefined ? undefined : formatMoney(unitPriceMinor),
    })),
  };
}

/** The caller's own token, with which the payment service is asked. */
function authorizationOf(call: Call): string {
  return call.metadata.get('authorization') ?? '';
}

function found<T>(id: number, value: T | undefined): T {
  if (value === undefined) throw notFound('order', id);
  return value;
}
