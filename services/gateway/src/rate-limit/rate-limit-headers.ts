import type { ServerResponse } from 'node:http';
import type { BucketDecision, BucketPolicy } from './token-bucket.ts';

/**
 * `RateLimit` and `RateLimit-Policy` as draft-ietf-httpapi-ratelimit-headers (10 and later) writes them: a structured list with the
 * policy's name, q = tokens in w seconds, r = tokens left, t = seconds until the bucket is full.
 */
export function setRateLimitHeaders(
  res: ServerResponse,
  { service, policy, decision }: { service: string; policy: BucketPolicy; decision: BucketDecision },
): void {
  const windowSeconds = Math.max(1, Math.ceil(policy.burst / policy.perSecond));
  res.setHeader('ratelimit-policy', `"${service}";q=${policy.burst};w=${windowSeconds}`);
  res.setHeader('ratelimit', `"${service}";r=${decision.remaining};t=${Math.ceil(decision.fullAfterMs / 1_000)}`);
}
