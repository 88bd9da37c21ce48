/**
 * A payment provider in small, with books of its own. It behaves as the others do: the same key is charged once, what it
 * has decided it tells by signed webhook, and some of its cards lose their answers.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '@punctual/postgres';
import { z } from 'zod';
import type { Outcome } from '../../domain/payment.ts';
import {
  type CaptureRequest,
  OutcomeUnknown,
  type PaymentProvider,
  type ProviderEvent,
  ProviderUnavailable,
  WebhookRefused,
} from '../provider.ts';
import { SIGNATURE_HEADER, verifySignature } from '../signature.ts';
import { type Behaviour, behaviourOf, SLOW_MS } from './cards.ts';
import { type Charge, findBehaviour, type NewCharge, recordCharge, recordRefund, saveCard } from './ledger.ts';

export const SANDBOX = 'sandbox';

const about = { charge_id: z.string(), created_at: z.iso.datetime() };
const webhook = z.discriminatedUnion('type', [
  z.object({ type: z.literal('charge.succeeded'), data: z.object({ ...about, idempotency_key: z.string() }) }),
  z.object({
    type: z.literal('charge.failed'),
    data: z.object({
      ...about,
      idempotency_key: z.string(),
      decline_code: z.enum(['CARD_DECLINED', 'INSUFFICIENT_FUNDS']),
    }),
  }),
  z.object({ type: z.literal('refund.succeeded'), data: z.object(about) }),
]);

export type SandboxOptions = { db: Database; webhookSecret: string };

export function createSandbox({ db, webhookSecret }: SandboxOptions): PaymentProvider {
  return {
    name: SANDBOX,
    assertTakes() {
      // Play money comes in any amount.
    },
    async tokenize(card) {
      const last4 = card.number.slice(-4);
      try {
        return { token: await saveCard(db, { last4, behaviour: behaviourOf(card.number) }), last4 };
      } catch (error) {
        throw new ProviderUnavailable('the sandbox cannot keep the card', { cause: error });
      }
    },
    async capture(request, signal) {
      const behaviour = await answered(findBehaviour(db, request.token));
      if (behaviour === 'lost_not_captured') return await lost(signal);
      // Whoever asked may be gone by then. The provider goes on all the same, as providers do.
      if (behaviour === 'slow') await delay(SLOW_MS);
      const charge = await answered(recordCharge(db, chargeOf(request, behaviour)));
      if (behaviour === 'lost_captured') return await lost(signal);
      return outcomeOf(charge);
    },
    async lookup(request) {
      const closing: NewCharge = { ...booked(request), outcome: 'closed', declineCode: null };
      const charge = await answered(recordCharge(db, closing));
      return charge.outcome === 'closed' ? { outcome: 'unknown' } : outcomeOf(charge);
    },
    async refund({ providerReference, amountMinor, idempotencyKey }) {
      const refund = await answered(recordRefund(db, { chargeId: providerReference, amountMinor, idempotencyKey }));
      return { refundedAt: refund.createdAt };
    },
    verifyWebhook(rawBody, headers, now) {
      verifySignature(rawBody, headers[SIGNATURE_HEADER], webhookSecret, now);
      return eventOf(rawBody);
    },
  };
}

function eventOf(rawBody: Buffer): ProviderEvent {
  const parsed = webhook.safeParse(parseJson(rawBody));
  if (!parsed.success) return { type: 'other', name: 'unreadable' };
  const { type, data } = parsed.data;
  const at = new Date(data.created_at);
  switch (type) {
    case 'charge.succeeded':
      return {
        type,
        idempotencyKey: data.idempotency_key,
        outcome: { outcome: 'captured', providerReference: data.charge_id, capturedAt: at },
      };
    case 'charge.failed':
      return {
        type,
        idempotencyKey: data.idempotency_key,
        outcome: { outcome: 'declined', code: data.decline_code },
      };
    case 'refund.succeeded':
      return { type, providerReference: data.charge_id, refundedAt: at };
    default:
      return type satisfies never;
  }
}

function parseJson(rawBody: Buffer): unknown {
  try {
    return JSON.parse(rawBody.toString('utf8'));
  } catch (error) {
    throw new WebhookRefused('the body is not JSON', { cause: error });
  }
}

function chargeOf(request: CaptureRequest, behaviour: Behaviour | undefined): NewCharge {
  switch (behaviour) {
    case 'insufficient_funds':
      return { ...booked(request), outcome: 'declined', declineCode: 'INSUFFICIENT_FUNDS' };
    case 'decline':
    case undefined:
      return { ...booked(request), outcome: 'declined', declineCode: 'CARD_DECLINED' };
    default:
      return { ...booked(request), outcome: 'captured', declineCode: null };
  }
}

function booked({ idempotencyKey, amountMinor, currency, reference }: CaptureRequest) {
  return { idempotencyKey, amountMinor, currency, reference };
}

function outcomeOf(charge: Charge): Outcome {
  if (charge.outcome === 'captured')
    return { outcome: 'captured', providerReference: charge.id, capturedAt: charge.createdAt };
  return { outcome: 'declined', code: charge.declineCode ?? 'NOT_CAPTURED' };
}

/** The answer never comes. */
function lost(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const giveUp = (): void => reject(new OutcomeUnknown('the answer was lost'));
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp, { once: true });
  });
}

/** The sandbox lives in our database: when that is away, so is its answer. */
async function answered<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw new OutcomeUnknown('the sandbox does not answer', { cause: error });
  }
}
