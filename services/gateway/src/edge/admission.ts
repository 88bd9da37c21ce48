import { type Identity, rateLimited, type Verifier } from '@punctual/http';
import type { Metrics } from '@punctual/telemetry';
import type { Request, Response } from 'express';
import type { Limiter } from '../rate-limit/limiter.ts';
import { setRateLimitHeaders } from '../rate-limit/rate-limit-headers.ts';
import type { BucketPolicy } from '../rate-limit/token-bucket.ts';
import { identify } from './authorize.ts';
import { addressBucket } from './client-address.ts';
import { requestState } from './request-state.ts';

/** What is asked for, and how often one client may. */
export type Bucket = { readonly service: string; readonly policy: BucketPolicy };

/** Who is asking, and may they still. Throws 401 for a bad token and 429 without a token left in the bucket. */
export type Admission = { admit(req: Request, res: Response, bucket: Bucket): Promise<Identity | undefined> };

export type AdmissionOptions = {
  readonly verifier: Verifier;
  readonly limiter: Limiter;
  readonly metrics: Metrics;
};

export function createAdmission({ verifier, limiter, metrics }: AdmissionOptions): Admission {
  const limited = metrics.counter({
    name: 'gateway_rate_limited_total',
    help: 'Requests refused because the client had no token left.',
    labelNames: ['upstream'],
  });

  async function spend(res: Response, { service, policy }: Bucket, identity: Identity | undefined): Promise<void> {
    const { clientAddress } = requestState(res);
    const client = identity === undefined ? `a:${addressBucket(clientAddress)}` : `u:${identity.userId}`;
    const decision = await limiter.take(service, client, policy);
    setRateLimitHeaders(res, { service, policy, decision });
    if (decision.allowed) return;
    limited.inc({ upstream: service });
    throw rateLimited(decision.retryAfterMs / 1_000);
  }

  return {
    async admit(req, res, bucket) {
      let identity: Identity | undefined;
      try {
        identity = await identify(verifier, req.headers.authorization);
      } catch (error) {
        // A bad token is counted against the address, or guessing tokens would be free.
        await spend(res, bucket, undefined);
        throw error;
      }
      requestState(res).userId = identity?.userId;
      await spend(res, bucket, identity);
      return identity;
    },
  };
}
