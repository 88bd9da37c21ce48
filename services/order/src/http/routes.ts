import { orderApi } from '@punctual/contracts';
import { handle, type MountedRoute, notFound, pagingLinks } from '@punctual/http';
import type { Database } from '@punctual/postgres';
import type { createCancelOrder, createChangeStatus, createRefundOrder } from '../commands/decide-order.ts';
import type { createPayOrder } from '../commands/pay-order.ts';
import type { createPlaceOrder } from '../commands/place-order.ts';
import { orderView, placedView } from '../queries/order-view.ts';
import { getOrder, getOrders, getTimeline } from '../queries/orders.ts';
import { requestIdOf } from './request-id.ts';

export type OrderRoutesOptions = {
  db: Database;
  placeOrder: ReturnType<typeof createPlaceOrder>;
  payOrder: ReturnType<typeof createPayOrder>;
  cancelOrder: ReturnType<typeof createCancelOrder>;
  changeStatus: ReturnType<typeof createChangeStatus>;
  refundOrder: ReturnType<typeof createRefundOrder>;
};

type Caller = { userId: number; role: 'customer' | 'admin' };

export function orderRoutes(options: OrderRoutesOptions): MountedRoute[] {
  const { db, placeOrder, payOrder, cancelOrder, changeStatus, refundOrder } = options;
  const pay = async (orderId: number, caller: Caller) => orderView(await payOrder({ orderId, caller }));
  const cancel = async (orderId: number, caller: Caller) => orderView(await cancelOrder({ orderId, caller }));

  return [
    handle(orderApi.placeOrder, async ({ body, headers, identity }) =>
      placedView(
        await placeOrder({
          userId: identity.userId,
          email: identity.email,
          requestId: requestIdOf(body.request_id, headers),
          body,
        }),
      ),
    ),
    handle(orderApi.listOrders, async ({ query, identity, req }) => {
      const { orders, totalItems } = await getOrders(db, query, scopeOf(identity));
      return { data: orders, paging: pagingLinks(req, { page: query.page, limit: query.limit, totalItems }) };
    }),
    handle(orderApi.listMyOrders, async ({ query, identity, req }) => {
      const { orders, totalItems } = await getOrders(db, query, { userId: identity.userId });
      return { data: orders, paging: pagingLinks(req, { page: query.page, limit: query.limit, totalItems }) };
    }),
    handle(orderApi.payOrderByReference, ({ body, identity }) => pay(body.order_id, identity)),
    handle(orderApi.cancelOrderByReference, ({ body, identity }) => cancel(body.order_id, identity)),
    handle(orderApi.getOrder, async ({ params, identity }) =>
      found(params.id, await getOrder(db, params.id, scopeOf(identity))),
    ),
    handle(orderApi.payOrder, ({ params, identity }) => pay(params.id, identity)),
    handle(orderApi.cancelOrder, ({ params, identity }) => cancel(params.id, identity)),
    handle(orderApi.changeOrderStatus, async ({ params, body, identity }) =>
      orderView(await changeStatus({ orderId: params.id, to: body.status, caller: identity })),
    ),
    handle(orderApi.refundOrder, async ({ params, identity }) =>
      orderView(await refundOrder({ orderId: params.id, caller: identity })),
    ),
    handle(orderApi.getOrderTimeline, async ({ params, identity }) =>
      found(params.id, await getTimeline(db, params.id, scopeOf(identity))),
    ),
  ];
}

function scopeOf({ userId, role }: Caller): { userId: number | 'any' } {
  return { userId: role === 'admin' ? 'any' : userId };
}

function found<T>(id: number, value: T | undefined): T {
  if (value === undefined) throw notFound('order', id);
  return value;
}
