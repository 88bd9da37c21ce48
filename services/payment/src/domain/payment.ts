/**
 * The life of a payment.
 *
 *   pending ── begin ──▶ processing ── captured ──▶ succeeded ── given back ──▶ refunded
 *      ▲                    │  └────── declined, or never captured ──▶ failed
 *      └──── nothing sent ──┘                                │
 *                                   succeeded ◀── captured ──┘ after all
 *
 * `processing` is committed before the provider is asked, so that a crash leaves a trace to follow up. What the provider
 * says counts even for a payment that is pending or failed here: a capture is a fact. Nothing leaves refunded.
 */

export const TRANSITIONS = {
  pending: ['processing', 'succeeded', 'failed'],
  processing: ['pending', 'succeeded', 'failed'],
  succeeded: ['refunded'],
  failed: ['succeeded'],
  refunded: [],
} as const satisfies Record<string, readonly string[]>;

export type PaymentStatus = keyof typeof TRANSITIONS;
export type PaymentFailure = 'CARD_DECLINED' | 'INSUFFICIENT_FUNDS' | 'NOT_CAPTURED';
/** The order decided it, the order had ended, or another payment of the order has taken this one's place. */
export type RefundCause = 'order.refunded' | 'order.cancelled' | 'payment.superseded';

export type Payment = {
  readonly id: number;
  readonly orderId: number;
  readonly userId: number;
  readonly amountMinor: number;
  readonly currency: string;
  readonly status: PaymentStatus;
  readonly last4: string;
  readonly provider: string;
  /** Stands for the card at the provider; worthless anywhere else. */
  readonly providerToken: string;
  /** The provider's name of the charge. */
  readonly providerReference: string | null;
  readonly failure: PaymentFailure | null;
  /** Of the capture. The refund's is `refund:<payment id>`. */
  readonly idempotencyKey: string;
  readonly capturedAt: Date | null;
  readonly refundCause: RefundCause | null;
  /** Since when the money is to go back; it goes back exactly once however often it is wanted. */
  readonly refundWantedAt: Date | null;
  readonly refundedAt: Date | null;
  /** When the follow-up looks after it: an unknown outcome, or a refund to be carried out. */
  readonly checkAt: Date | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
};

/** What became of a capture. */
export type Outcome =
  | { readonly outcome: 'captured'; readonly providerReference: string; readonly capturedAt: Date }
  | { readonly outcome: 'declined'; readonly code: PaymentFailure };

/** The payment's state has no such step. */
export class IllegalTransition extends Error {
  readonly code = 'ILLEGAL_TRANSITION';
  readonly retryable = false;
  readonly current: PaymentStatus;
  readonly requested: PaymentStatus;

  constructor(current: PaymentStatus, requested: PaymentStatus) {
    super(`a payment that is ${current} cannot become ${requested}`);
    this.name = 'IllegalTransition';
    this.current = current;
    this.requested = requested;
  }
}

export function canBecome(current: PaymentStatus, requested: PaymentStatus): boolean {
  const allowed: readonly PaymentStatus[] = TRANSITIONS[current];
  return allowed.includes(requested);
}

/** Takes the payment for one attempt; `checkAt` is when somebody else may ask what became of it. Throws IllegalTransition. */
export function begin(payment: Payment, { at, checkAt }: { at: Date; checkAt: Date }): Payment {
  assertCanBecome(payment, 'processing');
  return { ...payment, status: 'processing', checkAt, updatedAt: at };
}

/** The provider was not reached, so nothing happened. Undefined when somebody has settled the payment meanwhile. */
export function letGo(payment: Payment, at: Date): Payment | undefined {
  if (payment.status !== 'processing') return undefined;
  return { ...payment, status: 'pending', checkAt: null, updatedAt: at };
}

/**
 * Applies the provider's word. Undefined when it changes nothing: it was known already, or it contradicts money that is here.
 * A capture counts after a failure too, since somebody's money is gone. With `backFor`, because its order has ended or has
 * another payment, it is wanted back in the same step.
 */
export function settle(
  payment: Payment,
  outcome: Outcome,
  { at, backFor }: { at: Date; backFor: RefundCause | undefined },
): Payment | undefined {
  if (payment.status === 'succeeded' || payment.status === 'refunded') return undefined;
  if (outcome.outcome === 'declined') {
    if (payment.status === 'failed') return undefined;
    return { ...payment, status: 'failed', failure: outcome.code, checkAt: null, updatedAt: at };
  }
  const { providerReference, capturedAt } = outcome;
  const succeeded: Payment = {
    ...payment,
    status: 'succeeded',
    failure: null,
    providerReference,
    capturedAt,
    checkAt: null,
    updatedAt: at,
  };
  return backFor === undefined ? succeeded : (wantRefund(succeeded, backFor, at) ?? succeeded);
}

/** Undefined unless there is money to give back that is not yet wanted back. */
export function wantRefund(payment: Payment, cause: RefundCause, at: Date): Payment | undefined {
  if (payment.status !== 'succeeded' || payment.refundWantedAt !== null) return undefined;
  return { ...payment, refundCause: cause, refundWantedAt: at, checkAt: at, updatedAt: at };
}

/** The provider has given the money back. Undefined when that was known, or when it was never here. */
export function giveBack(payment: Payment, refundedAt: Date, at: Date): Payment | undefined {
  if (payment.status !== 'succeeded') return undefined;
  return { ...payment, status: 'refunded', refundedAt, checkAt: null, updatedAt: at };
}

/** Throws IllegalTransition unless the payment holds money. */
export function assertRefundable(payment: Payment): void {
  assertCanBecome(payment, 'refunded');
}

function assertCanBecome(payment: Payment, requested: PaymentStatus): void {
  if (!canBecome(payment.status, requested)) throw new IllegalTransition(payment.status, requested);
}
