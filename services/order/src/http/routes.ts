import type { IncomingHttpHeaders } from 'node:http';
import { orderApi, type paymentApi } from '@punctual/contracts';
import { handle, type MountedRoute, notFound, pagingLinks, validationFailed } from '@punctual/http';
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
  /** Whether the sandbox's test card pays when no method is given. */
  paysWithTestCard: boolean;
  cancelOrder: ReturnType<typeof createCancelOrder>;
  changeStatus: ReturnType<typeof createChangeStatus>;
  refundOrder: ReturnType<typeof createRefundOrder>;
};

/** The sandbox's card that is always approved. */
const TEST_CARD: paymentApi.CardMethod = {
  type: 'card',
  number: '4242424242424242',
  exp_month: 12,
  exp_year: 2099,
  cvc: '123',
};

type Caller = { userId: number; role: 'customer' | 'admin' };

type PayRequest = {
  orderId: number;
  method: paymentApi.CardMethod | undefined;
  caller: Caller;
  headers: IncomingHttpHeaders;
};

export function orderRoutes(options: OrderRoutesOptions): MountedRoute[] {
  const { db, placeOrder, payOrder, cancelOrder, changeStatus, refundOrder, paysWithTestCard } = options;
  const pay = async ({ orderId, method: given, caller, headers }: PayRequest) => {
    const method = given ?? (paysWithTestCard ? TEST_CARD : undefined);
    if (method === undefined) throw validationFailed([{ field: 'method', message: 'is required' }]);
    const { order, payment } = await payOrder({ orderId, method, caller, authorization: headers.authorization ?? '' });
    return { ...orderView(order), payment };
  };
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
    handle(orderApi.payOrderByReference, ({ body, identity, headers }) =>
      pay({ orderId: body.order_id, method: body.method, caller: identity, headers }),
    ),
    handle(orderApi.cancelOrderByReference, ({ body, identity }) => cancel(body.order_id, identity)),
    handle(orderApi.getOrder, async ({ params, identity }) =>
      found(params.id, await getOrder(db, params.id, scopeOf(identity))),
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
