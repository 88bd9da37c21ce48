import type { IncomingHttpHeaders } from 'node:http';
import type { Outcome } from '../domain/payment.ts';

/** A card on its way to the provider. It is never stored, logged or traced. */
export type Card = {
  readonly number: string;
  readonly expMonth: number;
  readonly expYear: number;
  readonly cvc: string;
};

export type CaptureRequest = {
  /** From tokenize(). */
  readonly token: string;
  readonly amountMinor: number;
  readonly currency: string;
  /** However often a request with one key arrives, money is taken once at most. */
  readonly idempotencyKey: string;
  /** How we call it, for the provider's own statements: `payment:17`. */
  readonly reference: string;
};

export type RefundRequest = {
  readonly providerReference: string;
  readonly amountMinor: number;
  readonly currency: string;
  readonly idempotencyKey: string;
};

/** What a provider tells of its own accord. It may come twice, late and in any order. */
export type ProviderEvent =
  | { readonly type: 'charge.succeeded'; readonly idempotencyKey: string; readonly outcome: Outcome }
  | { readonly type: 'charge.failed'; readonly idempotencyKey: string; readonly outcome: Outcome }
  | { readonly type: 'refund.succeeded'; readonly providerReference: string; readonly refundedAt: Date }
  | { readonly type: 'other'; readonly name: string };

/**
 * Who moves the money. Every call throws ProviderUnavailable when nothing can have happened, and OutcomeUnknown when something may
 * have. All of them may be repeated.
 */
export type PaymentProvider = {
  readonly name: string;
  /** Throws AmountRefused when the provider cannot charge such an amount; asked before anything is sent. */
  assertTakes(amount: Pick<CaptureRequest, 'amountMinor' | 'currency'>): void;
  /** Throws CardRefused when the provider takes no such card. */
  tokenize(card: Card, signal: AbortSignal): Promise<{ token: string; last4: string }>;
  capture(request: CaptureRequest, signal: AbortSignal): Promise<Outcome>;
  /**
   * What became of a capture. It takes no money. `unknown` is a promise: the provider has never carried the request out, and will not,
   * should it arrive after all.
   */
  lookup(request: CaptureRequest, signal: AbortSignal): Promise<Outcome | { readonly outcome: 'unknown' }>;
  refund(request: RefundRequest, signal: AbortSignal): Promise<{ refundedAt: Date }>;
  /** Throws WebhookRefused unless the provider has signed these very bytes a short while ago. */
  verifyWebhook(rawBody: Buffer, headers: IncomingHttpHeaders, now: Date): ProviderEvent | Promise<ProviderEvent>;
};

/** The provider cannot be asked now; nothing was sent, or it was refused as a whole. */
export class ProviderUnavailable extends Error {
  readonly code = 'PROVIDER_UNAVAILABLE';
  readonly retryable = true;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'ProviderUnavailable';
  }
}

/** The request may have been carried out: its answer was lost, or took too long. */
export class OutcomeUnknown extends Error {
  readonly code = 'OUTCOME_UNKNOWN';
  readonly retryable = true;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'OutcomeUnknown';
  }
}

/** The provider takes no such card: the customer's to put right, and no sign of an outage. */
export class CardRefused extends Error {
  readonly code = 'CARD_REFUSED';
  readonly retryable = false;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CardRefused';
  }
}

/** The provider cannot charge such an amount in its currency: nothing that another try would change. */
export class AmountRefused extends Error {
  readonly code = 'AMOUNT_REFUSED';
  readonly retryable = false;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'AmountRefused';
  }
}

/** Not from the provider, changed on the way, or too old. */
export class WebhookRefused extends Error {
  readonly code = 'WEBHOOK_REFUSED';
  readonly retryable = false;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'WebhookRefused';
  }
}
