import { z } from 'zod';
import { named } from '../documented.ts';
import { PAYMENT_FAILURES } from '../events/payment.ts';
import { id, idText, instant, moneyInput, moneyOutput, pageQuery } from '../primitives.ts';
import { defineRoute } from '../route.ts';

export const PAYMENT_STATUSES = ['pending', 'processing', 'succeeded', 'failed', 'refunded'] as const;

const THIS_CENTURY = 2_000;

/** A card as the customer types it. It goes to the provider and nowhere else; of the number we keep the last four digits. */
export const cardMethod = z.strictObject({
  type: z.literal('card'),
  number: z
    .string()
    .regex(/^[0-9]{12,19}$/, 'must be 12 to 19 digits')
    .meta({ examples: ['4242424242424242'] }),
  exp_month: z.int().min(1).max(12),
  exp_year: z
    .int()
    .min(THIS_CENTURY)
    .max(THIS_CENTURY + 99)
    .describe('A card that has expired is refused.'),
  cvc: z
    .string()
    .regex(/^[0-9]{3,4}$/, 'must be 3 or 4 digits')
    .meta({ examples: ['123'] }),
});
export type CardMethod = z.infer<typeof cardMethod>;

export const payment = named(
  'Payment',
  z.object({
    id,
    order_id: id,
    amount: moneyOutput,
    currency: z.string(),
    status: z.enum(PAYMENT_STATUSES),
    method: z.object({ type: z.literal('card'), last4: z.string() }),
    failure: z.enum(PAYMENT_FAILURES).nullable().describe('Why it failed; null unless it did.'),
    captured_at: instant.nullable(),
    refunded_at: instant.nullable(),
    created_at: instant,
    updated_at: instant,
  }),
);
export type PaymentView = z.infer<typeof payment>;

export const createPaymentBody = z.strictObject({ order_id: id, method: cardMethod }).meta({
  example: {
    order_id: 1,
    method: { type: 'card', number: '4242424242424242', exp_month: 12, exp_year: 2099, cvc: '123' },
  },
});
/** The whole amount goes back, once. An amount, when stated, must be the whole. */
export const refundPaymentBody = z
  .strictObject({ amount: moneyInput.optional().describe('When stated, the whole amount.') })
  .meta({ example: {} });

const byId = z.strictObject({ id: idText });
const tag = 'payments';
export const paymentsQuery = z.strictObject({ status: z.enum(PAYMENT_STATUSES).optional(), ...pageQuery });

export const createPayment = defineRoute({
  id: 'createPayment',
  method: 'post',
  path: '/payments',
  tag,
  summary: 'Prepare the payment of an order; the amount is the order’s',
  access: 'user',
  body: createPaymentBody,
  success: { status: 201, schema: payment },
  errors: [
    'VALIDATION_FAILED',
    'UNAUTHENTICATED',
    'NOT_FOUND',
    'STOCK_PENDING',
    'PAYMENT_EXISTS',
    'ILLEGAL_TRANSITION',
    'UNAVAILABLE',
  ],
});

export const listPayments = defineRoute({
  id: 'listPayments',
  method: 'get',
  path: '/payments',
  tag,
  summary: 'All payments, newest first',
  access: 'admin',
  query: paymentsQuery,
  success: { status: 200, schema: payment },
  list: true,
  errors: ['VALIDATION_FAILED', 'UNAUTHENTICATED', 'FORBIDDEN'],
});

export const listMyPayments = defineRoute({
  id: 'listMyPayments',
  method: 'get',
  path: '/payments/my-payments',
  tag,
  summary: 'Own payments, newest first',
  access: 'user',
  query: paymentsQuery,
  success: { status: 200, schema: payment },
  list: true,
  errors: ['VALIDATION_FAILED', 'UNAUTHENTICATED'],
});

export const getPayment = defineRoute({
  id: 'getPayment',
  method: 'get',
  path: '/payments/:id',
  tag,
  summary: 'One payment',
  access: 'user',
  params: byId,
  success: { status: 200, schema: payment },
  errors: ['VALIDATION_FAILED', 'UNAUTHENTICATED', 'NOT_FOUND'],
});

export const getPaymentOfOrder = defineRoute({
  id: 'getPaymentOfOrder',
  method: 'get',
  path: '/payments/order/:order_id',
  tag,
  summary: 'The latest payment of an order',
  access: 'user',
  params: z.strictObject({ order_id: idText }),
  success: { status: 200, schema: payment },
  errors: ['VALIDATION_FAILED', 'UNAUTHENTICATED', 'NOT_FOUND'],
});

export const processPayment = defineRoute({
  id: 'processPayment',
  method: 'post',
  path: '/payments/:id/process',
  tag,
  summary: 'Take the money; a payment that is done already is answered as it is',
  access: 'user',
  params: byId,
  success: { status: 200, schema: payment },
  errors: ['VALIDATION_FAILED', 'UNAUTHENTICATED', 'NOT_FOUND', 'ILLEGAL_TRANSITION', 'UNAVAILABLE'],
});

export const refundPayment = defineRoute({
  id: 'refundPayment',
  method: 'post',
  path: '/payments/:id/refund',
  tag,
  summary: 'Give the money of a paid order back; its stock is released',
  access: 'admin',
  params: byId,
  body: refundPaymentBody,
  success: { status: 200, schema: payment },
  errors: ['VALIDATION_FAILED', 'UNAUTHENTICATED', 'FORBIDDEN', 'NOT_FOUND', 'ILLEGAL_TRANSITION', 'UNAVAILABLE'],
});

export const paymentRoutes = [
  createPayment,
  listPayments,
  listMyPayments,
  getPaymentOfOrder,
  getPayment,
  processPayment,
  refundPayment,
];
