/**
 * Slows down guessing and mass registration. Whoever tries pays first, so that parallel guesses count; who was right, or was not
 * heard, is paid back. A registration is never right: each costs a hash and may send a mail to somebody who asked for none.
 *
 * A login pays from the client address's bucket and from the account's. The account's is shared by all client addresses from
 * which its user has not logged in lately; each of the usual ones has a bucket of its own. So a stranger who guesses on
 * and on empties the bucket of strangers, and the user at the usual place still gets in. Whether there is such an account makes no
 * difference to a stranger.
 */
import { createHash } from 'node:crypto';
import type { Database } from '@punctual/postgres';
import {
  type Bucket,
  fillBucket,
  isUsualAddress,
  rememberAddress,
  returnToken,
  takeToken,
} from '../store/throttles.ts';

/** How long after a login its client address counts as usual. */
export const USUAL_ADDRESS_MS = 30 * 86_400_000;
const REMEMBER_AGAIN_MS = 86_400_000;

export type ThrottlePolicy = {
  /** In what time an empty bucket is full again. */
  readonly windowMs: number;
  readonly loginsPerAccount: number;
  readonly loginsPerAddress: number;
  readonly codesPerAddress: number;
  readonly registrationsPerAddress: number;
  /** In what time an empty bucket of registrations is full again. */
  readonly registrationWindowMs: number;
};

export type ThrottleDeps = { readonly db: Database; readonly throttlePolicy: ThrottlePolicy };

/** `waitMs` until the next try is heard, or what is to be said about the one that is heard now. */
export type Admission<Outcome> =
  | { readonly admitted: false; readonly waitMs: number }
  | { readonly admitted: true; settle(outcome: Outcome): Promise<void> };

/** `right` with the user who was let in, if there is one; `unheard` when nothing was decided. */
export type LoginOutcome = 'wrong' | 'right' | 'unheard' | { readonly letIn: number };

export async function admitLogin(
  { db: { primary }, throttlePolicy: policy }: ThrottleDeps,
  { email, address }: { readonly email: string; readonly address: string },
): Promise<Admission<LoginOutcome>> {
  const { windowMs } = policy;
  const addressHash = digest('address', address);
  const perAddress: Bucket = { key: digest('login-address', address), limit: policy.loginsPerAddress, windowMs };
  const addressWaitMs = await takeToken(primary, perAddress);
  if (addressWaitMs > 0) return { admitted: false, waitMs: addressWaitMs };

  const isUsual = await isUsualAddress(primary, { email, addressHash, retentionMs: USUAL_ADDRESS_MS });
  const perAccount: Bucket = {
    key: isUsual ? digest('login-account', email, address) : digest('login-account', email),
    limit: policy.loginsPerAccount,
    windowMs,
  };
  const accountWaitMs = await takeToken(primary, perAccount);
  if (accountWaitMs > 0) return { admitted: false, waitMs: accountWaitMs };

  return {
    admitted: true,
    async settle(outcome) {
      if (outcome === 'wrong') return;
      await returnToken(primary, perAddress);
      if (outcome === 'unheard') return returnToken(primary, perAccount);
      await fillBucket(primary, perAccount.key);
      if (outcome !== 'right') {
        await rememberAddress(primary, { userId: outcome.letIn, addressHash, refreshMs: REMEMBER_AGAIN_MS });
      }
    },
  };
}

/** Codes have their tries; this is against one client address that guesses at many accounts. */
export async function admitCode(
  { db: { primary }, throttlePolicy: policy }: ThrottleDeps,
  address: string,
): Promise<Admission<'wrong' | 'right' | 'unheard'>> {
  const bucket = { key: digest('code-address', address), limit: policy.codesPerAddress, windowMs: policy.windowMs };
  const waitMs = await takeToken(primary, bucket);
  if (waitMs > 0) return { admitted: false, waitMs };
  return {
    admitted: true,
    async settle(outcome) {
      if (outcome !== 'wrong') await returnToken(primary, bucket);
    },
  };
}

/** Against one client address that fills the shop with accounts, or strangers' inboxes with codes. */
export async function admitRegistration(
  { db: { primary }, throttlePolicy: policy }: ThrottleDeps,
  address: string,
): Promise<Admission<'heard' | 'unheard'>> {
  const bucket = {
    key: digest('register-address', address),
    limit: policy.registrationsPerAddress,
    windowMs: policy.registrationWindowMs,
  };
  const waitMs = await takeToken(primary, bucket);
  if (waitMs > 0) return { admitted: false, waitMs };
  return {
    admitted: true,
    async settle(outcome) {
      if (outcome === 'unheard') await returnToken(primary, bucket);
    },
  };
}

/** Keys are digests: of one length, and the table does not list whom somebody tried to be. */
function digest(...parts: string[]): Buffer {
  return createHash('sha256').update(JSON.stringify(parts)).digest();
}
