import { z } from 'zod';
import { named } from '../documented.ts';
import { FULFILLMENTS, ORDER_REASONS } from '../events/order.ts';
import {
  dayText,
  id,
  idText,
  instant,
  MAX_ORDER_ITEMS,
  MAX_QUANTITY,
  moneyInput,
  moneyOutput,
  optionalText,
  pageQuery,
  text,
} from '../primitives.ts';
import { defineRoute } from '../route.ts';
import { cardMethod, payment } from './payments.ts';

export const ORDER_STATUSES = ['PENDING', 'PAID', 'COMPLETED', 'CANCELLED', 'REFUNDED'] as const;
export const STOCK_STATES = ['pending', 'reserved', 'rejected'] as const;

const VISIBLE_ASCII = /^[\x21-\x7e]+$/;

/** The client's own name for one attempt to order; it stays the same over retries. */
export const requestId = z
  .string()
  .min(1)
  .max(128)
  .regex(VISIBLE_ASCII, 'must be visible ASCII without spaces')
  .meta({ description: "The client's own name for this attempt; the same over retries.", examples: ['cart-17'] });

export const order = named(
  'Order',
  z.object({
    id,
    request_id: z.string(),
    status: z.enum(ORDER_STATUSES),
    reason: z.enum(ORDER_REASONS).nullable(),
    stock: z.enum(STOCK_STATES),
    fulfillment: z.enum(FULFILLMENTS),
    description: z.string(),
    shipping_address: z.string(),
    notes: z.string(),
    items: z.array(
      z.object({
        id,
        product_id: id,
        name: z.string(),
        quantity: z.int(),
        unit_price: moneyOutput,
        total_price: moneyOutput,
      }),
    ),
    total_amount: moneyOutput,
    currency: z.string(),
    expires_at: instant,
    created_at: instant,
    updated_at: instant,
  }),
);
export type OrderView = z.infer<typeof order>;

export const placeOrderBody = z
  .strictObject({
    request_id: requestId.optional(),
    description: optionalText(500).default(''),
    shipping_address: text(500),
    notes: optionalText(1_000).default(''),
    items: z
      .array(
        z.strictObject({
          product_id: id,
          quantity: z.int().min(1).max(MAX_QUANTITY),
          unit_price: moneyInput
            .optional()
            .describe('The price that the customer saw; when it is no longer the price, the order is refused.'),
        }),
      )
      .min(1)
      .max(MAX_ORDER_ITEMS)
      .superRefine((items, ctx) => {
        const seen = new Set<number>();
        for (const [index, item] of items.entries()) {
          if (seen.has(item.product_id)) {
            ctx.addIssue({
              code: 'custom',
              path: [index, 'product_id'],
              message: 'appears twice; state each product once with its whole quantity',
            });
          }
          seen.add(item.product_id);
        }
      })
      .describe('Each product once, with its whole quantity.'),
  })
  .meta({
    description: 'request_id may stand in the header Idempotency-Key instead; one of them is needed.',
    example: {
      request_id: 'cart-17',
      shipping_address: '1 Main Street',
      items: [{ product_id: 1, quantity: 2, unit_price: '649.00' }],
    },
  });
export type PlaceOrderBody = z.infer<typeof placeOrderBody>;

const byId = z.strictObject({ id: idText });
const orderReference = z
  .strictObject({ request_id: requestId.optional(), order_id: id })
  .meta({ example: { order_id: 1 } });
const tag = 'orders';

export const ordersQuery = z
  .strictObject({
    status: z.enum(ORDER_STATUSES).optional(),
    'start-date': dayText.optional(),
    'end-date': dayText.optional(),
    ...pageQuery,
  })
  .refine((query) => !query['start-date'] || !query['end-date'] || query['start-date'] <= query['end-date'], {
    path: ['end-date'],
    message: 'must not be before start-date',
  });

export const placeOrder = defineRoute({
  id: 'placeOrder',
  method: 'post',
  path: '/orders',
  tag,
  summary: 'Place an order; the same request_id with the same body is answered alike, however often it is sent',
  access: 'user',
  headers: {
    'Idempotency-Key': {
      description: 'In place of request_id in the body; when both are given, the same.',
      required: false,
      pattern: '^[\\x21-\\x7e]{1,128}$',
    },
  },
  body: placeOrderBody,
  success: { status: 201, schema: order },
  errors: [
    'VALIDATION_FAILED',
    'UNAUTHENTICATED',
    'NOT_FOUND',
    'REQUEST_IN_PROGRESS',
    'OUT_OF_STOCK',
    'PRICE_CHANGED',
    'REQUEST_ID_REUSED',
    'TOO_MANY_OPEN_ORDERS',
    'UNAVAILABLE',
  ],
});

export const listOrders = defineRoute({
  id: 'listOrders',
  method: 'get',
  path: '/orders',
  tag,
  summary: 'Own orders, newest first; an admin sees all',
  access: 'user',
  query: ordersQuery,
  success: { status: 200, schema: order },
  list: true,
  errors: ['VALIDATION_FAILED', 'UNAUTHENTICATED'],
});

export const listMyOrders = defineRoute({
  id: 'listMyOrders',
  method: 'get',
  path: '/orders/my-orders',
  tag,
  summary: 'Own orders, newest first, for an admin too',
  access: 'user',
  query: ordersQuery,
  success: { status: 200, schema: order },
  list: true,
  errors: ['VALIDATION_FAILED', 'UNAUTHENTICATED'],
});

export const getOrder = defineRoute({
  id: 'getOrder',
  method: 'get',
  path: '/orders/:id',
  tag,
  summary: 'One order',
  access: 'user',
  params: byId,
  success: { status: 200, schema: order },
  errors: ['VALIDATION_FAILED', 'UNAUTHENTICATED', 'NOT_FOUND'],
});

/** An order with the payment that paid it. */
export const paidOrder = named('PaidOrder', order.extend({ payment }));
export type PaidOrderView = z.infer<typeof paidOrder>;

/** Where the deployment allows it, a test card pays when no method is given. */
const payMethod = { method: cardMethod.optional() };
const PAY_EXAMPLE = {
  method: { type: 'card', number: '4242424242424242', exp_month: 12, exp_year: 2099, cvc: '123' },
};
export const payOrderBody = z.strictObject(payMethod).meta({ example: PAY_EXAMPLE }).default({});

export const payOrder = defineRoute({
  id: 'payOrder',
  method: 'post',
  path: '/orders/:id/pay',
  tag,
  summary: 'Pay an order whose stock is reserved: create its payment and take the money',
  access: 'user',
  params: byId,
  body: payOrderBody,
  success: { status: 200, schema: paidOrder },
  errors: [
    'VALIDATION_FAILED',
    'UNAUTHENTICATED',
    'NOT_FOUND',
    'STOCK_PENDING',
    'PAYMENT_EXISTS',
    'PAYMENT_FAILED',
    'ILLEGAL_TRANSITION',
    'UNAVAILABLE',
  ],
});

export const payOrderByReference = defineRoute({
  id: 'payOrderByReference',
  method: 'post',
  path: '/orders/pay',
  tag,
  summary: 'Pay the order that the body names',
  access: 'user',
  body: orderReference.extend(payMethod).meta({ example: { order_id: 1, ...PAY_EXAMPLE } }),
  success: { status: 200, schema: paidOrder },
  errors: payOrder.errors,
});

export const cancelOrder = defineRoute({
  id: 'cancelOrder',
  method: 'post',
  path: '/orders/:id/cancel',
  tag,
  summary: 'Cancel an order that is not yet paid',
  access: 'user',
  params: byId,
  success: { status: 200, schema: order },
  errors: ['VALIDATION_FAILED', 'UNAUTHENTICATED', 'NOT_FOUND', 'ILLEGAL_TRANSITION'],
});

export const cancelOrderByReference = defineRoute({
  id: 'cancelOrderByReference',
  method: 'post',
  path: '/orders/cancel',
  tag,
  summary: 'Cancel the order that the body names',
  access: 'user',
  body: orderReference,
  success: { status: 200, schema: order },
  errors: cancelOrder.errors,
});

export const refundOrder = defineRoute({
  id: 'refundOrder',
  method: 'post',
  path: '/orders/:id/refund',
  tag,
  summary: 'Decide that a paid order is refunded: its stock is released, and the payment goes back',
  access: 'admin',
  params: byId,
  success: { status: 200, schema: order },
  errors: ['VALIDATION_FAILED', 'UNAUTHENTICATED', 'FORBIDDEN', 'NOT_FOUND', 'ILLEGAL_TRANSITION'],
});

export const changeOrderStatus = defineRoute({
  id: 'changeOrderStatus',
  method: 'patch',
  path: '/orders/:id/status',
  tag,
  summary: 'Move the fulfilment of a paid order one step on; delivered completes the order',
  access: 'admin',
  params: byId,
  body: z
    .strictObject({ status: z.enum(['confirmed', 'shipped', 'delivered']) })
    .meta({ example: { status: 'confirmed' } }),
  success: { status: 200, schema: order },
  errors: ['VALIDATION_FAILED', 'UNAUTHENTICATED', 'FORBIDDEN', 'NOT_FOUND', 'ILLEGAL_TRANSITION'],
});

export const timelineEntry = named(
  'TimelineEntry',
  z.object({
    at: instant,
    type: z.string(),
    actor: z.string(),
    from: z.string().nullable(),
    to: z.string().nullable(),
    reason: z.string().nullable(),
    detail: z.record(z.string(), z.unknown()),
  }),
);
export type TimelineEntry = z.infer<typeof timelineEntry>;

export const getOrderTimeline = defineRoute({
  id: 'getOrderTimeline',
  method: 'get',
  path: '/orders/:id/timeline',
  tag,
  summary: 'All that happened to an order, oldest first, its timers and mails included',
  access: 'user',
  params: byId,
  success: { status: 200, schema: z.array(timelineEntry) },
  errors: ['VALIDATION_FAILED', 'UNAUTHENTICATED', 'NOT_FOUND'],
});

export const orderRoutes = [
  placeOrder,
  listOrders,
  listMyOrders,
  payOrderByReference,
  cancelOrderByReference,
  getOrder,
  payOrder,
  cancelOrder,
  changeOrderStatus,
  refundOrder,
  getOrderTimeline,
];
