/**
 * A token bucket, kept as one number: the instant at which the bucket would be full again. Each token taken moves that instant one
 * interval on; a bucket whose instant has passed is full. Nothing has to be refilled, and an untouched bucket can be forgotten once
 * its instant has passed. The Lua script in redis-buckets.ts does the same sum on the Redis server.
 */

export type BucketPolicy = {
  /** Tokens that come back each second. */
  perSecond: number;
  /** Tokens in a full bucket. */
  burst: number;
};

export type BucketDecision = {
  allowed: boolean;
  /** Whole tokens left. */
  remaining: number;
  /** Until the bucket is full. */
  fullAfterMs: number;
  /** Until the next token; 0 when one was taken. */
  retryAfterMs: number;
};

/** Instants since 1970 carry about a quarter of a microsecond; without this much mercy their rounding could refuse a due token. */
const ROUNDING_MS = 0.001;

/** Takes one token at `nowMs` if there is one. `fullAtMs` is the stored instant, 0 for a bucket never touched; store the one returned. */
export function takeToken(
  policy: BucketPolicy,
  fullAtMs: number,
  nowMs: number,
): { fullAtMs: number; decision: BucketDecision } {
  const intervalMs = 1_000 / policy.perSecond;
  const capacityMs = policy.burst * intervalMs;
  const missingMs = Math.max(0, fullAtMs - nowMs);
  const afterMs = missingMs + intervalMs;
  if (afterMs > capacityMs + ROUNDING_MS) {
    const retryAfterMs = afterMs - capacityMs;
    return { fullAtMs, decision: { allowed: false, remaining: 0, fullAfterMs: missingMs, retryAfterMs } };
  }
  const remaining = Math.max(0, Math.floor((capacityMs - afterMs + ROUNDING_MS) / intervalMs));
  return { fullAtMs: nowMs + afterMs, decision: { allowed: true, remaining, fullAfterMs: afterMs, retryAfterMs: 0 } };
}
