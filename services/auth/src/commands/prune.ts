import type { Database } from '@punctual/postgres';
import { deleteEmptySessions, deleteOldTokens } from '../store/sessions.ts';
import { deleteOldCodes } from '../store/verification-codes.ts';

const RETENTION_MS = 86_400_000;
const BATCH = 1_000;
/** What is left after so many batches waits for the next run. */
const MAX_BATCHES = 50;

export type Pruned = { readonly codes: number; readonly tokens: number; readonly sessions: number };

/**
 * Deletes codes and refresh tokens that ended over a day ago, and sessions without tokens. A spent token stays until it
 * would have expired: its reuse is a theft for that long.
 */
export async function prune({ db }: { readonly db: Database }): Promise<Pruned> {
  return {
    codes: await inBatches((limit) => deleteOldCodes(db.primary, RETENTION_MS, limit)),
    tokens: await inBatches((limit) => deleteOldTokens(db.primary, RETENTION_MS, limit)),
    sessions: await inBatches((limit) => deleteEmptySessions(db.primary, RETENTION_MS, limit)),
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
