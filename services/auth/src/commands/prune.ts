import type { Database } from '@punctual/postgres';
import { deleteEmptySessions, deleteOldTokens } from '../store/sessions.ts';
import { deleteFullBuckets, deleteOldAddresses } from '../store/throttles.ts';
import { deleteOldCodes } from '../store/verification-codes.ts';
import { USUAL_ADDRESS_MS } from './throttle.ts';

const RETENTION_MS = 86_400_000;
const BATCH = 1_000;
/** What is left after so many batches waits for the next run. */
const MAX_BATCHES = 50;

export type Pruned = Readonly<Record<'codes' | 'tokens' | 'sessions' | 'throttles' | 'addresses', number>>;

/**
 * Deletes codes and refresh tokens that ended over a day ago, sessions without tokens, throttles that
 * hold nobody back and client addresses that are no longer usual. A spent token stays until it
 * would have expired: its reuse is a theft for that long.
 */
export async function prune({ db }: { readonly db: Database }): Promise<Pruned> {
  return {
    codes: await inBatches((limit) => deleteOldCodes(db.primary, RETENTION_MS, limit)),
    tokens: await inBatches((limit) => deleteOldTokens(db.primary, RETENTION_MS, limit)),
    sessions: await inBatches((limit) => deleteEmptySessions(db.primary, RETENTION_MS, limit)),
    throttles: await inBatches((limit) => deleteFullBuckets(db.primary, limit)),
    addresses: await inBatches((limit) => deleteOldAddresses(db.primary, USUAL_ADDRESS_MS, limit)),
  };
}

async function inBatches(deleteSome: (limit: number) => Promise<number>): Promise<number> {
  let total = 0;
  for (let batch = 0; batch < MAX_BATCHES; batch += 1) {
    const deleted = await deleteSome(BATCH);
    total += deleted;
    if (deleted < BATCH) break;
  }
  return total;
}
