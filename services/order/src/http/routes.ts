import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { orderApi, type paymentApi } from '@punctual/contracts';
import { handle, type MountedRoute, notFound, pagingLinks, windowOf } from '@punctual/http';
import type { Database } from '@punctual/postgres';
import type { createCancelOrder, createChangeStatus, createRefundOrder } from '../commands/decide-order.ts';
import { type OrderCommandInput, scopeOf } from '../commands/order-command.ts';
import type { createPayOrder } from '../commands/pay-order.ts';
import type { createPlaceOrder } from '../commands/place-order.ts';
import { getOrder, getOrders, getTimeline } from '../queries/orders.ts';
import { placedOrder } from '../queries/placed-order.ts';
import { orderView, timelineEntryView } from './order-view.ts';
import { paymentView } from './payment-view.ts';
import { requestIdOf } from './request-id.ts';

export type OrderRoutesOptions = {
  db: Database;
  placeOrder: ReturnType<typeof createPlaceOrder>;
  payOrder: ReturnType<typeof createPayOrder>;
  cancelOrder: ReturnType<typeof createCancelOrder>;
  changeStatus: ReturnType<typeof createChangeStatus>;
  refundOrder: ReturnType<typeof createRefundOrder>;
};

type Caller = OrderCommandInput['caller'];

type OrdersQuery = {
  status?: orderApi.OrderView['status'] | undefined;
  'start-date'?: string | undefined;
  'end-date'?: string | undefined;
  page: number;
  limit: number;
};

type PayRequest = {
  orderId: number;
  method: paymentApi.CardMethod | undefined;
  caller: Caller;
  headers: IncomingHttpHeaders;
};

export function orderRoutes(options: OrderRoutesOptions): MountedRoute[] {
  const { db, placeOrder, payOrder, cancelOrder, changeStatus, refundOrder } = options;
  const pay = async ({ orderId, method, caller, headers }: PayRequest) => {
    const { order, payment } = await payOrder({ orderId, method, caller, authorization: headers.authorization ?? '' });
    return { ...orderView(order), payment: paymentView(payment) };
  };
  const list = async (query: OrdersQuery, scope: ReturnType<typeof scopeOf>, req: IncomingMessage) => {
    const { page, limit, status, 'start-date': startDate, 'end-date': endDate } = query;
    const search = { status, startDate, endDate, ...windowOf(query) };
    const { orders, total } = await getOrders(db, search, scope);
    return { data: orders.map(orderView), paging: pagingLinks(req, { page, limit, totalItems: total }) };
  };
  const cancel = async (orderId: number, caller: Caller) => orderView(await cancelOrder({ orderId, caller }));

  return [
    handle(orderApi.placeOrder, async ({ body, headers, identity }) =>
      orderView(
        placedOrder(
          await placeOrder({
            userId: identity.userId,
            email: identity.email,
            requestId: requestIdOf(body.request_id, headers),
            body,
          }),
        ),
      ),
    ),
    handle(orderApi.listOrders, ({ query, identity, req }) => list(query, scopeOf({ caller: identity }), req)),
    handle(orderApi.listMyOrders, ({ query, identity, req }) => list(query, { userId: identity.userId }, req)),
    handle(orderApi.payOrderByReference, ({ body, identity, headers }) =>
      pay({ orderId: body.order_id, method: body.method, caller: identity, headers }),
    ),
    handle(orderApi.cancelOrderByReference, ({ body, identity }) => cancel(body.order_id, identity)),
    handle(orderApi.getOrder, async ({ params, identity }) =>
      orderView(found(params.id, await getOrder(db, params.id, scopeOf({ caller: identity })))),
    ),
    handle(orderApi.payOrder, ({ params, body, identity, headers }) =>
      pay({ orderId: params.id, method: body.method, caller: identity, headers }),
    ),
    handle(orderApi.cancelOrder, ({ params, identity }) => cancel(params.id, identity)),
    handle(orderApi.changeOrderStatus, async ({ params, body, identity }) =>
      orderView(await changeStatus({ orderId: params.id, to: body.status, caller: identity })),
    ),
    handle(orderApi.refundOrder, async ({ params, identity }) =>
      orderView(await refundOrder({ orderId: params.id, caller: identity })),
    ),
    handle(orderApi.getOrderTimeline, async ({ params, identity }) =>
      found(params.id, await getTimeline(db, params.id, scopeOf({ caller: identity }))).map(timelineEntryView),
    ),
  ];
}

function found<T>(id: number, value: T | undefined): T {
  if (value === undefined) throw notFound('order', id);
  return value;
}
