/**
 * The life of a verification code. A user has at most one active code.
 *
 *   (sent) → active ── right digits ──▶ used, and the user is verified
 *              ├─ a newer code is sent ──▶ replaced
 *              ├─ its tries are used up ──▶ dead until it is replaced
 *              └─ its time is over ──▶ dead until it is replaced
 *
 * Whatever is wrong with a code, the refusal is the same, so that guessing teaches nothing.
 */
const CODES = 1_000_000;
const CODE_DIGITS = 6;

export const CODE_WINDOW_MS = 3_600_000;

export type CodePolicy = {
  /** How long a code may be entered. */
  readonly ttlMs: number;
  /** The shortest time between two mails to one address. */
  readonly cooldownMs: number;
  /** Wrong or right, so many guesses are looked at. */
  readonly maxTries: number;
  /** Codes within CODE_WINDOW_MS, the first one included. */
  readonly maxPerWindow: number;
};

/** What was sent to a user lately, by the database's clock. */
export type CodeHistory = {
  readonly sentInWindow: number;
  /** Undefined when nothing was ever sent. Negative when another transaction was faster. */
  readonly sinceLastMs: number | undefined;
};

export type SendDecision = 'send' | 'cooling-down' | 'too-many';

export function decideSend(history: CodeHistory, policy: CodePolicy): SendDecision {
  if (history.sinceLastMs !== undefined && history.sinceLastMs < policy.cooldownMs) return 'cooling-down';
  return history.sentInWindow >= policy.maxPerWindow ? 'too-many' : 'send';
}

/** Six digits out of a source of uniform random integers below `max`; leading zeros stay. */
export function drawCode(randomBelow: (max: number) => number): string {
  return String(randomBelow(CODES)).padStart(CODE_DIGITS, '0');
}

/**
 * Names the mail of one code: two jobs with the same intent are one mail. The instant tells this code from one that had its
 * number before the database was set up anew.
 */
export function mailIntent({ id, expiresAt }: { id: number; expiresAt: Date }): string {
  return `verification:${id}:${expiresAt.getTime()}`;
}
