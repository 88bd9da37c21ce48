import { invariant } from './breaking.ts';
import { changed, operation, rowOf, without } from './healthy.ts';
import { checkMoney } from './i5-money.ts';

describe('I5, money', () => {
  const { holds, caught } = invariant(checkMoney);

  holds('when the provider keeps what orders owe', undefined, { attempted: 2, acknowledged: 2 });
  holds(
    'when a payment of unknown outcome was captured',
    ({ history }) => ({ history: { operations: changed(history.operations, { id: 11 }, { outcome: 'unknown' }) } }),
    { attempted: 2, acknowledged: 1, unknown: 1, recovered: 1 },
  );

  caught(
    'a second capture',
    ({ evidence }) => ({
      evidence: {
        payments: [...evidence.payments, { ...rowOf(evidence.payments, { id: 1 }), id: 4, idempotencyKey: 'key-4' }],
        charges: [
          ...evidence.charges,
          { ...rowOf(evidence.charges, { id: 'ch_1' }), id: 'ch_4', idempotencyKey: 'key-4' },
        ],
      },
    }),
    { duplicated: 1, unexpected: 1 },
    /order 1 was captured by ch_1, ch_4/,
  );
  caught(
    'a second refund',
    ({ evidence }) => ({
      evidence: { refunds: [...evidence.refunds, { ...rowOf(evidence.refunds, { id: 're_2' }), id: 're_3' }] },
    }),
    { duplicated: 1, lost: 1 },
    /order 3 was given back by re_2, re_3/,
  );
  caught(
    'a refund of what was never captured',
    ({ evidence }) => ({ evidence: { charges: changed(evidence.charges, { id: 'ch_2' }, { outcome: 'declined' }) } }),
    { lost: 2, unexpected: 2 },
    /refund re_2 gives back charge ch_2, which captured nothing/,
  );
  caught(
    'money kept for a cancelled order',
    ({ evidence }) => ({
      evidence: {
        payments: [
          ...evidence.payments,
          { ...rowOf(evidence.payments, { id: 1 }), id: 4, orderId: 2, idempotencyKey: 'key-4' },
        ],
        charges: [
          ...evidence.charges,
          { ...rowOf(evidence.charges, { id: 'ch_1' }), id: 'ch_4', idempotencyKey: 'key-4' },
        ],
      },
    }),
    { unexpected: 1 },
    /order 2 is CANCELLED, the provider keeps 2000: charge ch_4/,
  );
  caught(
    'an order that counts as paid for nothing',
    ({ evidence }) => ({
      evidence: {
        payments: without(evidence.payments, { id: 1 }),
        charges: without(evidence.charges, { id: 'ch_1' }),
      },
    }),
    { lost: 2 },
    /order 1 is COMPLETED for 2000, the provider keeps 0[\s\S]*operation 11 was answered that order 1 is paid/,
  );
  caught(
    'a capture that the payments do not know of',
    ({ evidence }) => ({ evidence: { payments: changed(evidence.payments, { id: 1 }, { status: 'failed' }) } }),
    { lost: 1 },
    /payment 1 of order 1 is failed, the provider has captured charge ch_1/,
  );
  caught(
    'money that is wanted back and stays',
    ({ evidence }) => ({ evidence: { payments: changed(evidence.payments, { id: 1 }, { refundWanted: true }) } }),
    { lost: 1 },
    /payment 1 of order 1 is wanted back and was not given back/,
  );
  caught(
    'a charge that belongs to no payment',
    ({ evidence }) => ({
      evidence: {
        charges: [...evidence.charges, { id: 'ch_9', idempotencyKey: 'key-9', outcome: 'captured', amountMinor: 1 }],
      },
    }),
    { unexpected: 1 },
    /charge ch_9 belongs to no payment/,
  );
  caught(
    'a refund that was answered and never made',
    ({ history }) => ({
      history: { operations: [...history.operations, operation(30, { kind: 'refund', orderId: 1 })] },
    }),
    { lost: 1 },
    /operation 30 was answered that order 1 is refunded/,
  );
});
