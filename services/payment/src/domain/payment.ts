/**
 * The life of a payment.
 *
 *   pending ── begin ──▶ processing ── captured ──▶ succeeded ── given back ──▶ refunded
 *      ▲                    │  └────── declined, or never captured ──▶ failed
 *      └──── nothing sent ──┘
 *
 * `processing` is committed before the provider is asked, so that a crash leaves a trace to follow up. What the provider
 * says counts even for a payment that is pending here: a capture is a fact. Nothing leaves failed and refunded.
 */

export const TRANSITIONS = {
  pending: ['processing', 'succeeded', 'failed'],
  processing: ['pending', 'succeeded', 'failed'],
  succeeded: ['refunded'],
  failed: [],
  refunded: [],
} as const satisfies Record<string, readonly string[]>;

export type PaymentStatus = keyof typeof TRANSITIONS;
export type PaymentFailure = 'CARD_DECLINED' | 'INSUFFICIENT_FUNDS' | 'NOT_CAPTURED';
export type RefundCause = 'order.refunded' | 'order.cancelled';

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
 * Applies the provider's word. Undefined when it changes nothing: it was known already, or it contradicts a state that is
 * final. Money captured for an order that has ended is wanted back in the same step.
 */
export function settle(
  payment: Payment,
  outcome: Outcome,
  { at, orderEnded }: { at: Date; orderEnded: RefundCause | undefined },
): Payment | undefined {
  if (payment.status !== 'pending' && payment.status !== 'processing') return undefined;
  if (outcome.outcome === 'declined') {
    return { ...payment, status: 'failed', failure: outcome.code, checkAt: null, updatedAt: at };
  }
  const { providerReference, capturedAt } = outcome;
  const succeeded: Payment = {
    ...payment,
    status: 'succeeded',
    providerReference,
    capturedAt,
    checkAt: null,
    updatedAt: at,
  };
  return orderEnded === undefined ? succeeded : (wantRefund(succeeded, orderEnded, at) ?? succeeded);
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
