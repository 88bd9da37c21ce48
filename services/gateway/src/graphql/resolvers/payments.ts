import { type Card, type Payment, PaymentStatus } from '@punctual/contracts/grpc/payment';
import { asAdmin, asUser, forWriting, type GraphqlContext } from '../context.ts';
import { parseId } from '../scalars.ts';
import { given, type PageArgs, pageOf, present, windowOf } from './pages.ts';

type PaymentsArgs = PageArgs & { status?: PaymentStatus | null; own?: boolean | null };
type NewPayment = { input: { orderId: string; card: Card } };

export const paymentResolvers = {
  Query: {
    async payment(_: unknown, { id }: { id: string }, context: GraphqlContext) {
      const caller = asUser(context);
      const { payment } = await context.services.payments.getPayment({ id: parseId(id, 'id') }, caller);
      return present(payment, 'payment');
    },

    async payments(_: unknown, args: PaymentsArgs, context: GraphqlContext) {
      const { payments, info } = await context.services.payments.listPayments(
        { window: windowOf(args), status: given(args.status), own: args.own ?? false },
        asUser(context),
      );
      return pageOf(payments, info);
    },
  },

  Mutation: {
    async createPayment(_: unknown, { input }: NewPayment, context: GraphqlContext) {
      const caller = forWriting(context, asUser(context));
      const orderId = parseId(input.orderId, 'input.orderId');
      const { payment } = await context.services.payments.createPayment({ orderId, card: input.card }, caller);
      return present(payment, 'payment');
    },

    async processPayment(_: unknown, { id }: { id: string }, context: GraphqlContext) {
      const caller = forWriting(context, asUser(context));
      const { payment } = await context.services.payments.processPayment({ id: parseId(id, 'id') }, caller);
      return present(payment, 'payment');
    },

    async refundPayment(_: unknown, args: { id: string; amount?: number | null }, context: GraphqlContext) {
      const caller = forWriting(context, asAdmin(context));
      const { payment } = await context.services.payments.refundPayment(
        { id: parseId(args.id, 'id'), amountMinor: given(args.amount) },
        caller,
      );
      return present(payment, 'payment');
    },
  },

  Payment: { amount: ({ amountMinor }: Payment) => amountMinor },

  PaymentStatus: {
    PENDING: PaymentStatus.PENDING,
    PROCESSING: PaymentStatus.PROCESSING,
    SUCCEEDED: PaymentStatus.SUCCEEDED,
    FAILED: PaymentStatus.FAILED,
    REFUNDED: PaymentStatus.REFUNDED,
  },
};
