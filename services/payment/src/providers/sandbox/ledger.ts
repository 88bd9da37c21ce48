import { randomUUID } from 'node:crypto';
import { type Database, execute, one, rows, type Transaction } from '@punctual/postgres';
import type { Behaviour } from './cards.ts';

export type Charge = {
  readonly id: string;
  readonly idempotencyKey: string;
  readonly outcome: 'captured' | 'declined' | 'closed';
  readonly declineCode: 'CARD_DECLINED' | 'INSUFFICIENT_FUNDS' | null;
  readonly amountMinor: number;
  readonly currency: string;
  readonly reference: string;
  readonly createdAt: Date;
};
export type Refund = { readonly id: string; readonly chargeId: string; readonly createdAt: Date };
export type NewCharge = Omit<Charge, 'id' | 'createdAt'>;
export type DueWebhook = { readonly id: number; readonly body: string; readonly attempts: number };

const CHARGE = `id, idempotency_key AS "idempotencyKey", outcome, decline_code AS "declineCode", amount_minor AS "amountMinor",
  currency, reference, created_at AS "createdAt"`;

export async function saveCard(db: Database, card: { last4: string; behaviour: Behaviour }): Promise<string> {
  const token = `tok_${randomUUID()}`;
  await execute(db.primary, 'INSERT INTO sandbox_cards (token, last4, behaviour) VALUES (:token, :last4, :behaviour)', {
    token,
    ...card,
  });
  return token;
}

export async function findBehaviour(db: Database, token: string): Promise<Behaviour | undefined> {
  const row = await one<{ behaviour: Behaviour }>(
    db.primary,
    'SELECT behaviour FROM sandbox_cards WHERE token = :token',
    { token },
  );
  return row?.behaviour;
}

/** The charge of this key: the one that is in the books, else this one. A new charge is told by webhook. */
export function recordCharge(db: Database, charge: NewCharge): Promise<Charge> {
  return db.transaction(async (tx) => {
    const made = await one<Charge>(
      tx,
      `INSERT INTO sandbox_charges (id, idempotency_key, outcome, decline_code, amount_minor, currency, reference)
       VALUES (:id, :idempotencyKey, :outcome, :declineCode, :amountMinor, :currency, :reference)
       ON CONFLICT (idempotency_key) DO NOTHING RETURNING ${CHARGE}`,
      { id: `ch_${randomUUID()}`, ...charge },
    );
    if (made !== undefined) {
      if (made.outcome !== 'closed') await addWebhook(tx, chargeEvent(made));
      return made;
    }
    const known = await one<Charge>(tx, `SELECT ${CHARGE} FROM sandbox_charges WHERE idempotency_key = :key`, {
      key: charge.idempotencyKey,
    });
    if (known === undefined) throw new Error('a charge that conflicts is not there');
    return known;
  });
}

/** The refund of this key: the one that is in the books, else a new one, which is told by webhook. */
export function recordRefund(
  db: Database,
  refund: { idempotencyKey: string; chargeId: string; amountMinor: number },
): Promise<Refund> {
  return db.transaction(async (tx) => {
    const made = await one<Refund>(
      tx,
      `INSERT INTO sandbox_refunds (id, idempotency_key, charge_id, amount_minor)
       VALUES (:id, :idempotencyKey, :chargeId, :amountMinor)
       ON CONFLICT (idempotency_key) DO NOTHING RETURNING id, charge_id AS "chargeId", created_at AS "createdAt"`,
      { id: `re_${randomUUID()}`, ...refund },
    );
    if (made !== undefined) {
      await addWebhook(tx, refundEvent(made));
      return made;
    }
    const known = await one<Refund>(
      tx,
      `SELECT id, charge_id AS "chargeId", created_at AS "createdAt" FROM sandbox_refunds WHERE idempotency_key = :key`,
      { key: refund.idempotencyKey },
    );
    if (known === undefined) throw new Error('a refund that conflicts is not there');
    return known;
  });
}

/** Takes webhooks that are due, each for one sender alone until its next attempt, some seconds later. */
export function takeDueWebhooks(db: Database, limit: number): Promise<DueWebhook[]> {
  return rows<DueWebhook>(
    db.primary,
    `UPDATE sandbox_webhooks SET attempts = attempts + 1,
       next_attempt_at = now() + least(300, 2 ^ least(attempts, 10)) * interval '1 second'
     WHERE id IN (SELECT id FROM sandbox_webhooks WHERE next_attempt_at <= now() ORDER BY id LIMIT :limit FOR UPDATE SKIP LOCKED)
     RETURNING id, body, attempts`,
    { limit },
  );
}

export async function removeWebhook(db: Database, id: number): Promise<void> {
  await execute(db.primary, 'DELETE FROM sandbox_webhooks WHERE id = :id', { id });
}

async function addWebhook(tx: Transaction, event: object): Promise<void> {
  await execute(tx, 'INSERT INTO sandbox_webhooks (body) VALUES (:body)', { body: JSON.stringify(event) });
}

function chargeEvent(charge: Charge) {
  const type = charge.outcome === 'captured' ? 'charge.succeeded' : 'charge.failed';
  return {
    id: `evt_${randomUUID()}`,
    type,
    data: {
      charge_id: charge.id,
      idempotency_key: charge.idempotencyKey,
      reference: charge.reference,
      decline_code: charge.declineCode,
      created_at: charge.createdAt.toISOString(),
    },
  };
}

function refundEvent(refund: Refund) {
  return {
    id: `evt_${randomUUID()}`,
    type: 'refund.succeeded',
    data: { charge_id: refund.chargeId, refund_id: refund.id, created_at: refund.createdAt.toISOString() },
  };
}
