import { invariant } from './breaking.ts';
import { operation } from './healthy.ts';
import { checkReads } from './i10-reads.ts';

describe('I10, reads', () => {
  const { holds, caught } = invariant(checkReads);

  holds('when reads see what was answered', undefined, { attempted: 1, acknowledged: 1 });
  holds('when a read was sent before the answer came', ({ history }) => ({
    history: {
      operations: [
        ...history.operations,
        operation(30, { orderId: 1, startedMs: 11_400, answer: { status: 'PENDING', stock: 'reserved' } }),
      ],
    },
  }));
  holds('when a list lags, and when somebody else reads', ({ history }) => ({
    history: {
      operations: [
        ...history.operations,
        operation(30, { orderId: 1, answer: { list: true, status: 'PENDING' } }),
        operation(31, { orderId: 1, userId: 8, outcome: 'failed', status: 404 }),
      ],
    },
  }));
  holds('when a read was not answered', ({ history }) => ({
    history: { operations: [...history.operations, operation(30, { orderId: 1, outcome: 'unknown', status: null })] },
  }));

  caught(
    'a read that has forgotten the payment',
    ({ history }) => ({
      history: {
        operations: [
          ...history.operations,
          operation(30, { orderId: 1, answer: { status: 'PENDING', stock: 'reserved' } }),
        ],
      },
    }),
    { lost: 1 },
    /operation 30 read order 1 as PENDING, stock reserved, operation 11 had been answered PAID/,
  );
  caught(
    'a read that does not find the order',
    ({ history }) => ({
      history: { operations: [...history.operations, operation(30, { orderId: 2, outcome: 'failed', status: 404 })] },
    }),
    { lost: 1 },
    /operation 30 read order 2 as not found, operation 2 had been answered with it/,
  );
  caught(
    'a read that has forgotten the reservation',
    ({ history }) => ({
      history: {
        operations: [
          ...history.operations,
          operation(30, { orderId: 5, answer: { status: 'PENDING', stock: 'reserved' } }),
          operation(31, { orderId: 5, answer: { status: 'PENDING', stock: 'pending' } }),
        ],
      },
    }),
    { lost: 1 },
    /operation 31 read order 5 as PENDING, stock pending/,
  );
  caught(
    'an end that has become another',
    ({ history }) => ({
      history: {
        operations: [
          ...history.operations,
          operation(30, { kind: 'cancel', orderId: 2, answer: { status: 'CANCELLED' } }),
          operation(31, { orderId: 2, answer: { status: 'COMPLETED' } }),
        ],
      },
    }),
    { lost: 1 },
    /operation 31 read order 2 as COMPLETED, operation 30 had been answered CANCELLED/,
  );
});
