import { setTimeout as delay } from 'node:timers/promises';
import { sendJson } from '@punctual/http';
import type { Logger } from '@punctual/telemetry';
import type { Request, Response } from 'express';
import { requestState } from '../edge/request-state.ts';
import type { Upstream } from '../proxy/upstream.ts';

/** Within this time every asker gets the same answer, so that asking for health is no load on the services. */
const SHARED_MS = 500;
const CHECK_TIMEOUT_MS = 1_500;

type CheckResult = { status: 'up' | 'down' | 'degraded' };
type Readiness = { status: 'ready' | 'not_ready' | 'stopping'; checks: Record<string, CheckResult> };

export type HealthOptions = {
  version: string;
  upstreams: readonly Upstream[];
  isRedisReady: () => boolean;
  isStopping: () => boolean;
  logger: Logger;
};

/**
 * `/health/live` says that this process answers. `/health/ready` says whether every service behind it is ready; Redis away is only a
 * degradation. A balancer should look at live: a gateway whose product service is down still takes orders.
 */
export function createHealth(options: HealthOptions) {
  const startedAtMs = Date.now();
  let shared: { at: number; checks: Promise<Record<string, CheckResult>> } | undefined;

  function checks(): Promise<Record<string, CheckResult>> {
    if (shared === undefined || Date.now() - shared.at > SHARED_MS) {
      shared = { at: Date.now(), checks: runChecks(options) };
    }
    return shared.checks;
  }

  async function readiness(): Promise<Readiness> {
    const results = await checks();
    const isUp = Object.values(results).every((result) => result.status !== 'down');
    return { status: options.isStopping() ? 'stopping' : isUp ? 'ready' : 'not_ready', checks: results };
  }

  return {
    live(_req: Request, res: Response): void {
      sendJson(res, 200, { data: { status: 'live' } });
    },
    async ready(_req: Request, res: Response): Promise<void> {
      answer(res, await readiness(), {});
    },
    async summary(_req: Request, res: Response): Promise<void> {
      const uptimeSeconds = Math.round((Date.now() - startedAtMs) / 1_000);
      answer(res, await readiness(), {
        service: 'gateway',
        version: options.version,
        uptime_seconds: uptimeSeconds,
        live: true,
      });
    },
  };
}

/** Not ready is an error for whoever asks by status, and still shows the checks to whoever reads. */
function answer(res: Response, readiness: Readiness, extra: Readonly<Record<string, unknown>>): void {
  const data = { ...extra, ...readiness };
  if (readiness.status === 'ready') {
    sendJson(res, 200, { data });
    return;
  }
  res.setHeader('retry-after', '1');
  const message = readiness.status === 'stopping' ? 'The gateway is stopping.' : 'Not every service is ready.';
  sendJson(res, 503, {
    error: { code: 'UNAVAILABLE', message, details: data, request_id: requestState(res).requestId },
  });
}

async function runChecks(options: HealthOptions): Promise<Record<string, CheckResult>> {
  const results = await Promise.all(options.upstreams.map((upstream) => checkUpstream(upstream, options.logger)));
  const checks: Record<string, CheckResult> = {};
  for (const [index, upstream] of options.upstreams.entries())
    checks[upstream.name] = results[index] ?? { status: 'down' };
  checks.redis = { status: options.isRedisReady() ? 'up' : 'degraded' };
  return checks;
}

async function checkUpstream(upstream: Upstream, logger: Logger): Promise<CheckResult> {
  const abort = new AbortController();
  try {
    const asked = ask(upstream, abort.signal);
    const isReady = await Promise.race([asked, delay(CHECK_TIMEOUT_MS, false, { signal: abort.signal })]);
    return { status: isReady ? 'up' : 'down' };
  } catch (error) {
    logger.debug('readiness check failed', { upstream: upstream.name, error });
    return { status: 'down' };
  } finally {
    abort.abort();
  }
}

async function ask(upstream: Upstream, signal: AbortSignal): Promise<boolean> {
  const response = await upstream.healthPool.request({ method: 'GET', path: '/health/ready', signal });
  await response.body.dump();
  return response.statusCode === 200;
}
