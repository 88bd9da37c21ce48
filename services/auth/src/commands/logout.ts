import type { Database } from '@punctual/postgres';
import { refreshTokenHash } from '../security/refresh-token.ts';
import { endSession } from '../store/sessions.ts';

/** Ends the token's session. Whether there was one is not told, so it may be repeated. */
export async function logout({ db }: { readonly db: Database }, token: string): Promise<void> {
  await endSession(db.primary, refreshTokenHash(token));
}
