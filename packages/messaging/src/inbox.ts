import { rows, type Transaction } from '@punctual/postgres';
import type { Envelope } from './envelope.ts';

const INSERT = `
  INSERT INTO inbox (consumer, event_id)
  SELECT ?, event_id FROM unnest(?::text[]) AS m (event_id)
  ON CONFLICT DO NOTHING
  RETURNING event_id`;

/**
 * Remembers the messages for this consumer and returns those never seen before, in their order; of two with one id in
 * the batch, the first. Call it first in the transaction of the effect: message and effect then commit together, once.
 *
 * While another transaction is at work on the same message this waits for its outcome. Ids are inserted in sorted
 * order, so that two batches that overlap wait for each other instead of deadlocking.
 */
export async function filterNew<E extends Envelope>(
  tx: Transaction,
  consumer: string,
  envelopes: readonly E[],
): Promise<E[]> {
  const byId = new Map<string, E>();
  for (const envelope of envelopes) {
    if (!byId.has(envelope.id)) byId.set(envelope.id, envelope);
  }
  if (byId.size === 0) return [];
  const inserted = await rows<{ event_id: string }>(tx, INSERT, [consumer, [...byId.keys()].sort()]);
  const fresh = new Set(inserted.map((row) => row.event_id));
  return [...byId.values()].filter((envelope) => fresh.has(envelope.id));
}
