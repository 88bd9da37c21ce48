import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  assertRefundable,
  begin,
  canBecome,
  giveBack,
  IllegalTransition,
  letGo,
  type Outcome,
  type Payment,
  type PaymentStatus,
  settle,
  TRANSITIONS,
  wantRefund,
} from './payment.ts';

const at = new Date('2026-01-31T09:30:00.000Z');
const capturedAt = new Date('2026-01-31T09:29:59.000Z');
const CAPTURED: Outcome = { outcome: 'captured', providerReference: 'ch_1', capturedAt };
const DECLINED: Outcome = { outcome: 'declined', code: 'CARD_DECLINED' };
const statuses = Object.keys(TRANSITIONS) as PaymentStatus[];

function payment(status: PaymentStatus): Payment {
  const isCaptured = status === 'succeeded' || status === 'refunded';
  return {
    id: 1,
    orderId: 2,
    userId: 3,
    amountMinor: 2_500,
    currency: 'USD',
    status,
    last4: '4242',
    provider: 'sandbox',
    providerToken: 'tok_1',
    providerReference: isCaptured ? 'ch_0' : null,
    failure: status === 'failed' ? 'CARD_DECLINED' : null,
    idempotencyKey: '5e9e7c3e-0000-4000-8000-000000000000',
    capturedAt: isCaptured ? capturedAt : null,
    refundCause: status === 'refunded' ? 'order.refunded' : null,
    refundWantedAt: status === 'refunded' ? at : null,
    refundedAt: status === 'refunded' ? at : null,
    checkAt: null,
    createdAt: at,
    updatedAt: at,
  };
}

type Step = { name: string; apply(payment: Payment): Payment | undefined };
const steps: Step[] = [
  { name: 'begin', apply: (current) => attempt(() => begin(current, { at, checkAt: at })) },
  { name: 'letGo', apply: (current) => letGo(current, at) },
  { name: 'captured', apply: (current) => settle(current, CAPTURED, { at, backFor: undefined }) },
  { name: 'captured too late', apply: (current) => settle(current, CAPTURED, { at, backFor: 'order.cancelled' }) },
  { name: 'declined', apply: (current) => settle(current, DECLINED, { at, backFor: undefined }) },
  { name: 'want refund', apply: (current) => wantRefund(current, 'order.refunded', at) },
  { name: 'give back', apply: (current) => giveBack(current, at, at) },
];

function attempt(step: () => Payment): Payment | undefined {
  try {
    return step();
  } catch (error) {
    if (error instanceof IllegalTransition) return undefined;
    throw error;
  }
}

/** What each step makes of each state; a state that is not named is left as it is. */
const TABLE: Readonly<Record<string, Partial<Record<PaymentStatus, PaymentStatus>>>> = {
  begin: { pending: 'processing' },
  letGo: { processing: 'pending' },
  captured: { pending: 'succeeded', processing: 'succeeded', failed: 'succeeded' },
  'captured too late': { pending: 'succeeded', processing: 'succeeded', failed: 'succeeded' },
  declined: { pending: 'failed', processing: 'failed' },
  'want refund': { succeeded: 'succeeded' },
  'give back': { succeeded: 'refunded' },
};

describe('a payment', () => {
  for (const { name, apply } of steps) {
    for (const status of statuses) {
      const expected = TABLE[name]?.[status];
      it(`that is ${status}, at ${name}, ${expected === undefined ? 'stays' : `becomes ${expected}`}`, () => {
        assert.equal(apply(payment(status))?.status, expected);
      });
    }
  }

  it('captured for an order that has ended is wanted back in the same step', () => {
    const settled = settle(payment('processing'), CAPTURED, { at, backFor: 'order.cancelled' });
    assert.deepEqual([settled?.refundCause, settled?.refundWantedAt, settled?.checkAt], ['order.cancelled', at, at]);
  });

  it('is wanted back once: the first cause stays', () => {
    const wanted = wantRefund(payment('succeeded'), 'order.cancelled', at);
    assert.ok(wanted);
    assert.equal(wantRefund(wanted, 'order.refunded', at), undefined);
  });

  it('can be refunded only while it holds money', () => {
    for (const status of statuses) {
      if (status === 'succeeded') assert.doesNotThrow(() => assertRefundable(payment(status)));
      else assert.throws(() => assertRefundable(payment(status)), IllegalTransition, status);
    }
  });

  it('takes legal steps only, is captured and given back once at most, and never leaves its end, whatever comes in any order', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...steps), { maxLength: 30 }), (sequence) => {
        let current = payment('pending');
        let captures = 0;
        let refunds = 0;
        for (const { apply } of sequence) {
          const next = apply(current);
          if (next === undefined) continue;
          if (next.status !== current.status) assert.ok(canBecome(current.status, next.status));
          if (next.capturedAt !== current.capturedAt) captures += 1;
          if (next.refundedAt !== current.refundedAt) refunds += 1;
          current = next;
        }
        assert.ok(captures <= 1 && refunds <= captures);
        assert.equal(current.status === 'refunded', refunds === 1);
        assert.equal(current.status === 'succeeded' || current.status === 'refunded', captures === 1);
      }),
    );
  });
});
