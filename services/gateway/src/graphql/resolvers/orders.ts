import { Fulfillment, type Order, type OrderItem, OrderStatus, StockState } from '@punctual/contracts/grpc/order';
import type { Card } from '@punctual/contracts/grpc/payment';
import { asUser, forWriting, type GraphqlContext } from '../context.ts';
import type { OrderState } from '../order-state.ts';
import { parseId } from '../scalars.ts';
import { orderStatusChanged } from '../subscription.ts';
import { given, type PageArgs, pageOf, present, windowOf } from './pages.ts';

type OrdersArgs = PageArgs & {
  status?: OrderStatus | null;
  startDate?: string | null;
  endDate?: string | null;
  own?: boolean | null;
};
type NewOrder = {
  input: {
    requestId: string;
    shippingAddress: string;
    description?: string | null;
    notes?: string | null;
    items: { productId: string; quantity: number; unitPrice?: number | null }[];
  };
};

export const orderResolvers = {
  Query: {
    async order(_: unknown, { id }: { id: string }, context: GraphqlContext) {
      const caller = asUser(context);
      const { order } = await context.services.orders.getOrder({ id: parseId(id, 'id') }, caller);
      return present(order, 'order');
    },

    async orders(_: unknown, args: OrdersArgs, context: GraphqlContext) {
      const { orders, info } = await context.services.orders.listOrders(
        {
          window: windowOf(args),
          status: given(args.status),
          startDate: given(args.startDate),
          endDate: given(args.endDate),
          own: args.own ?? false,
        },
        asUser(context),
      );
      return pageOf(orders, info);
    },
  },

  Mutation: {
    async createOrder(_: unknown, { input }: NewOrder, context: GraphqlContext) {
      const caller = forWriting(context, asUser(context));
      const { requestId, shippingAddress, description, notes } = input;
      const items = input.items.map(({ productId, quantity, unitPrice }, index) => ({
        productId: parseId(productId, `input.items[${index}].productId`),
        quantity,
        unitPriceMinor: given(unitPrice),
      }));
      const { order } = await context.services.orders.createOrder(
        { requestId, shippingAddress, description: description ?? '', notes: notes ?? '', items },
        caller,
      );
      return present(order, 'order');
    },

    async payOrder(_: unknown, { id, card }: { id: string; card?: Card | null }, context: GraphqlContext) {
      const caller = forWriting(context, asUser(context));
      const request = { id: parseId(id, 'id'), card: given(card) };
      const { order, payment } = await context.services.orders.payOrder(request, caller);
      const paid = present(order, 'order');
      context.loaders.forget();
      if (payment !== undefined) context.loaders.payment.prime(paid.id, payment);
      return paid;
    },

    async cancelOrder(_: unknown, { id }: { id: string }, context: GraphqlContext) {
      const caller = forWriting(context, asUser(context));
      const { order } = await context.services.orders.cancelOrder({ id: parseId(id, 'id') }, caller);
      context.loaders.forget();
      return present(order, 'order');
    },
  },

  Subscription: {
    orderStatusChanged: {
      subscribe: (_: unknown, args: { id: string }, context: GraphqlContext) => orderStatusChanged(args, context),
      resolve: (state: OrderState) => state,
    },
  },

  Order: {
    totalAmount: ({ totalMinor }: Order) => totalMinor,
    user: ({ userId }: Order, _args: unknown, { loaders }: GraphqlContext) => loaders.user.load(userId),
    payment: ({ id }: Order, _args: unknown, { loaders }: GraphqlContext) => loaders.payment.load(id),
    timeline: ({ id }: Order, _args: unknown, { loaders }: GraphqlContext) => loaders.timeline.load(id),
  },

  OrderItem: {
    unitPrice: ({ unitPriceMinor }: OrderItem) => unitPriceMinor,
    totalPrice: ({ totalPriceMinor }: OrderItem) => totalPriceMinor,
    async product({ productId }: OrderItem, _args: unknown, { loaders }: GraphqlContext) {
      const product = await loaders.product.load(productId);
      return product?.deleted ? null : product;
    },
  },

  OrderStatusChange: {
    async order({ orderId }: OrderState, _args: unknown, context: GraphqlContext) {
      const { order } = await context.services.orders.getOrder({ id: orderId }, asUser(context));
      return present(order, 'order');
    },
  },

  OrderStatus: {
    PENDING: OrderStatus.PENDING,
    PAID: OrderStatus.PAID,
    COMPLETED: OrderStatus.COMPLETED,
    CANCELLED: OrderStatus.CANCELLED,
    REFUNDED: OrderStatus.REFUNDED,
  },
  StockState: {
    PENDING: StockState.PENDING,
    RESERVED: StockState.RESERVED,
    REJECTED: StockState.REJECTED,
  },
  Fulfillment: {
    UNFULFILLED: Fulfillment.UNFULFILLED,
    CONFIRMED: Fulfillment.CONFIRMED,
    SHIPPED: Fulfillment.SHIPPED,
    DELIVERED: Fulfillment.DELIVERED,
  },
};
