import { type BucketDecision, type BucketPolicy, takeToken } from './token-bucket.ts';

const MAX_BUCKETS = 50_000;

/** Buckets in this process, for when Redis is away: each gateway then counts for itself. */
export type LocalBuckets = { take(key: string, policy: BucketPolicy, nowMs: number): BucketDecision };

/** Holds the buckets used last; one that is pushed out starts full again. */
export function createLocalBuckets(maxBuckets = MAX_BUCKETS): LocalBuckets {
  const fullAtMsByKey = new Map<string, number>();
  return {
    take(key, policy, nowMs) {
      const { fullAtMs, decision } = takeToken(policy, fullAtMsByKey.get(key) ?? 0, nowMs);
      // Deleted and set anew, so that the map's order is the order of last use.
      fullAtMsByKey.delete(key);
      fullAtMsByKey.set(key, fullAtMs);
      if (fullAtMsByKey.size > maxBuckets) {
        const [oldest] = fullAtMsByKey.keys();
        if (oldest !== undefined) fullAtMsByKey.delete(oldest);
      }
      return decision;
    },
  };
}
