/**
 * Stripe, by its own package.
 *
 * A capture is two requests: a PaymentIntent is created, which takes no money, and then confirmed, which does. A look-up can
 * therefore repeat the first with the same key to learn the intent's name, whatever became of the first attempt, and cancel an
 * intent that was not confirmed: a confirmation that arrives late then finds it cancelled. Stripe forgets keys after a day,
 * so older intents are found by their metadata first.
 */
import type { Stripe } from 'stripe';
import type { Outcome } from '../domain/payment.ts';
import {
  type CaptureRequest,
  CardRefused,
  OutcomeUnknown,
  type PaymentProvider,
  type ProviderEvent,
  ProviderUnavailable,
  WebhookRefused,
} from './provider.ts';
import { stripeAmount } from './stripe-amount.ts';

export const STRIPE = 'stripe';
const KEY_FIELD = 'idempotency_key';
const TOLERANCE_SECONDS = 300;
const MS_PER_SECOND = 1_000;
const EXPAND = { expand: ['latest_charge'] };
/** Nobody is there to confirm in a browser: a card that asks for it is declined. */
const CONFIRM = { ...EXPAND, error_on_requires_action: true };
/** What Stripe calls an amount or a value that it takes from nobody, at any time. */
const REFUSED_REQUEST = /^(amount_too_small|amount_too_large|parameter_invalid_\w+|payment_intent_invalid_parameter)$/;

export type StripeOptions = {
  secretKey: string;
  webhookSecret: string;
  protocol: 'https' | 'http';
  host: string;
  port: number;
  timeoutMs: number;
};

/** The package takes some 35 MB, so it is loaded with the first call: who pays by another provider never has it. */
export function createStripe(options: StripeOptions): PaymentProvider {
  let loading: Promise<Stripe> | undefined;

  function client(): Promise<Stripe> {
    loading ??= connect(options);
    return loading;
  }

  return {
    name: STRIPE,
    assertTakes({ amountMinor, currency }) {
      stripeAmount(amountMinor, currency);
    },
    async tokenize(card) {
      const stripe = await client();
      const creating = stripe.paymentMethods.create({
        type: 'card',
        card: { number: card.number, exp_month: card.expMonth, exp_year: card.expYear, cvc: card.cvc },
      });
      const method = await harmless(creating);
      return { token: method.id, last4: card.number.slice(-4) };
    },
    async capture(request) {
      const stripe = await client();
      const intent = await harmless(createIntent(stripe, request));
      if ('outcome' in intent) return intent;
      try {
        const options = { idempotencyKey: `${request.idempotencyKey}:confirm` };
        return outcomeOf(await stripe.paymentIntents.confirm(intent.id, CONFIRM, options));
      } catch (error) {
        const refusal = refusalOf(error);
        if (refusal === undefined) throw asUnknown(error);
        return refusal;
      }
    },
    async lookup(request) {
      const stripe = await client();
      try {
        const known = (await findIntent(stripe, request)) ?? (await createIntent(stripe, request));
        if ('outcome' in known) return known;
        const intent = await stripe.paymentIntents.retrieve(known.id, EXPAND);
        if (isOpen(intent)) {
          await stripe.paymentIntents.cancel(intent.id);
          return { outcome: 'unknown' };
        }
        return intent.status === 'canceled' ? { outcome: 'unknown' } : outcomeOf(intent);
      } catch (error) {
        throw asUnknown(error);
      }
    },
    async refund({ providerReference, amountMinor, currency, idempotencyKey }) {
      const stripe = await client();
      try {
        const params = { payment_intent: providerReference, amount: stripeAmount(amountMinor, currency) };
        const refund = await stripe.refunds.create(params, { idempotencyKey });
        if (refund.status === 'failed' || refund.status === 'canceled') {
          throw new ProviderUnavailable(`the refund is ${refund.status}`);
        }
        return { refundedAt: instantOf(refund.created) };
      } catch (error) {
        if (codeOf(error) === 'charge_already_refunded') return { refundedAt: new Date() };
        throw asUnknown(error);
      }
    },
    async verifyWebhook(rawBody, headers, now) {
      const stripe = await client();
      const signature = headers['stripe-signature'];
      if (typeof signature !== 'string') throw new WebhookRefused('there is no signature');
      let event: Stripe.Event;
      try {
        const { webhookSecret } = options;
        event = stripe.webhooks.constructEvent(
          rawBody,
          signature,
          webhookSecret,
          TOLERANCE_SECONDS,
          undefined,
          now.getTime(),
        );
      } catch (error) {
        throw new WebhookRefused('the signature is wrong, too old, or not over this body', { cause: error });
      }
      return eventOf(event);
    },
  };
}

async function connect({ secretKey, protocol, host, port, timeoutMs }: StripeOptions): Promise<Stripe> {
  const { default: Client } = await import('stripe');
  // Repeating is the follow-up's part, and needs to know what became of the first try.
  return new Client(secretKey, { protocol, host, port, timeout: timeoutMs, maxNetworkRetries: 0, telemetry: false });
}

/** Takes no money; repeated with one key it is one intent. An outcome when Stripe makes none of such a request. */
async function createIntent(stripe: Stripe, request: CaptureRequest): Promise<Stripe.PaymentIntent | Outcome> {
  const { token, amountMinor, currency, idempotencyKey, reference } = request;
  try {
    return await stripe.paymentIntents.create(
      {
        amount: stripeAmount(amountMinor, currency),
        currency: currency.toLowerCase(),
        payment_method: token,
        // Nothing that would need the customer's browser.
        automatic_payment_methods: { enabled: true, allow_redirects: 'never' },
        description: reference,
        metadata: { [KEY_FIELD]: idempotencyKey },
      },
      { idempotencyKey: `${idempotencyKey}:create` },
    );
  } catch (error) {
    const refusal = refusalOf(error);
    if (refusal === undefined) throw error;
    return refusal;
  }
}

async function findIntent(
  stripe: Stripe,
  { idempotencyKey }: CaptureRequest,
): Promise<Stripe.PaymentIntent | undefined> {
  const { data } = await stripe.paymentIntents.search({ query: `metadata['${KEY_FIELD}']:'${idempotencyKey}'` });
  return data.find((intent) => intent.metadata[KEY_FIELD] === idempotencyKey);
}

/** Neither confirmed nor refused: it can still be cancelled. */
function isOpen(intent: Stripe.PaymentIntent): boolean {
  const isWaiting = intent.status === 'requires_confirmation' || intent.status === 'requires_action';
  return isWaiting || (intent.status === 'requires_payment_method' && intent.last_payment_error === null);
}

function outcomeOf(intent: Stripe.PaymentIntent): Outcome {
  switch (intent.status) {
    case 'succeeded': {
      const charge = intent.latest_charge;
      const at = typeof charge === 'object' && charge !== null ? charge.created : intent.created;
      return { outcome: 'captured', providerReference: intent.id, capturedAt: instantOf(at) };
    }
    case 'canceled':
      return { outcome: 'declined', code: 'NOT_CAPTURED' };
    case 'requires_payment_method':
      return { outcome: 'declined', code: failureOf(intent.last_payment_error?.decline_code) };
    default:
      throw new OutcomeUnknown(`the payment intent is ${intent.status}`);
  }
}

/** What a failed creation or confirmation says of the money; undefined when it says nothing. */
function refusalOf(error: unknown): Outcome | undefined {
  if (isAboutCard(error)) {
    return {
      outcome: 'declined',
      code: failureOf(
        'decline_code' in error && typeof error.decline_code === 'string' ? error.decline_code : undefined,
      ),
    };
  }
  return isAboutRequest(error) ? { outcome: 'declined', code: 'NOT_CAPTURED' } : undefined;
}

function isAboutCard(error: unknown): error is Error {
  return error instanceof Error && 'type' in error && error.type === 'StripeCardError';
}

/** Not every invalid request is: others tell of an intent that has moved on, or of an account that is not set up. */
function isAboutRequest(error: unknown): boolean {
  const isInvalid = error instanceof Error && 'type' in error && error.type === 'StripeInvalidRequestError';
  return isInvalid && REFUSED_REQUEST.test(codeOf(error) ?? '');
}

function eventOf(event: Stripe.Event): ProviderEvent {
  switch (event.type) {
    case 'payment_intent.succeeded': {
      const intent = event.data.object;
      const key = intent.metadata[KEY_FIELD];
      if (key === undefined) return { type: 'other', name: event.type };
      const capturedAt = instantOf(event.created);
      const outcome: Outcome = { outcome: 'captured', providerReference: intent.id, capturedAt };
      return { type: 'charge.succeeded', idempotencyKey: key, outcome };
    }
    case 'payment_intent.payment_failed': {
      const intent = event.data.object;
      const key = intent.metadata[KEY_FIELD];
      if (key === undefined) return { type: 'other', name: event.type };
      const code = failureOf(intent.last_payment_error?.decline_code);
      return { type: 'charge.failed', idempotencyKey: key, outcome: { outcome: 'declined', code } };
    }
    case 'charge.refunded': {
      const { payment_intent: intent, refunded } = event.data.object;
      const id = typeof intent === 'object' ? intent?.id : intent;
      if (id === undefined || !refunded) return { type: 'other', name: event.type };
      return { type: 'refund.succeeded', providerReference: id, refundedAt: instantOf(event.created) };
    }
    default:
      return { type: 'other', name: event.type };
  }
}

function failureOf(declineCode: string | undefined): 'CARD_DECLINED' | 'INSUFFICIENT_FUNDS' {
  return declineCode === 'insufficient_funds' ? 'INSUFFICIENT_FUNDS' : 'CARD_DECLINED';
}

/** A request that takes no money: when it fails, nothing has happened. */
async function harmless<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (isAboutCard(error) || isAboutRequest(error)) {
      throw new CardRefused('Stripe takes no such card', { cause: withoutRequest(error) });
    }
    throw new ProviderUnavailable('Stripe did not answer or refused', { cause: withoutRequest(error) });
  }
}

function asUnknown(error: unknown): Error {
  if (error instanceof OutcomeUnknown || error instanceof ProviderUnavailable) return error;
  return new OutcomeUnknown('Stripe did not answer or refused', { cause: withoutRequest(error) });
}

/** Stripe's errors carry what was sent and answered; of that only what they are called may reach a log. */
function withoutRequest(error: unknown): Error {
  const type = error instanceof Error && 'type' in error ? String(error.type) : 'unknown';
  return new Error(`${type}: ${codeOf(error) ?? 'no code'}`);
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

function instantOf(seconds: number): Date {
  return new Date(seconds * MS_PER_SECOND);
}
