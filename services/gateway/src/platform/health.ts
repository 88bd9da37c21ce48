import { setTimeout as delay } from 'node:timers/promises';
import { type DependencyStates, sendJson } from '@punctual/http';
import type { Logger } from '@punctual/telemetry';
import type { Request, Response } from 'express';
import { requestState } from '../edge/request-state.ts';
import type { Target, Upstream } from '../proxy/upstream.ts';

/** Within this time every asker gets the same answer, so that asking for health is no load on the services. */
const SHARED_MS = 500;
const CHECK_TIMEOUT_MS = 1_500;

type CheckResult = { status: 'up' | 'down' | 'degraded' };
type Readiness = {
  status: 'ready' | 'not_ready' | 'stopping';
  checks: Record<string, CheckResult>;
  dependencies: DependencyStates;
};

export type HealthOptions = {
  version: string;
  upstreams: readonly Upstream[];
  isRedisReady: () => boolean;
  /** The breakers of what the gateway calls itself. */
  dependencies: () => DependencyStates;
  isStopping: () => boolean;
  logger: Logger;
};

/**
 * `/health/live` says that this process answers. `/health/ready` says whether every service behind it has an instance that is ready; Redis away is only a
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
    const status = options.isStopping() ? 'stopping' : isUp ? 'ready' : 'not_ready';
    const breakers = Object.fromEntries(options.upstreams.map(({ breaker }) => [breaker.dependency, breaker.state]));
    return { status, checks: results, dependencies: { ...options.dependencies(), ...breakers } };
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

/** Up when every instance is ready, degraded when some are. */
async function checkUpstream({ name, targets }: Upstream, logger: Logger): Promise<CheckResult> {
  const answers = await Promise.all(targets.map((target) => isReady(target, name, logger)));
  if (!answers.includes(true)) return { status: 'down' };
  return { status: answers.includes(false) ? 'degraded' : 'up' };
}

async function isReady(target: Target, upstream: string, logger: Logger): Promise<boolean> {
  const abort = new AbortController();
  try {
    const asked = ask(target, abort.signal);
    return await Promise.race([asked, delay(CHECK_TIMEOUT_MS, false, { signal: abort.signal })]);
  } catch (error) {
    logger.debug('readiness check failed', { upstream, address: target.address, error });
    return false;
  } finally {
    abort.abort();
  }
}

async function ask({ healthPool }: Target, signal: AbortSignal): Promise<boolean> {
  const response = await healthPool.request({ method: 'GET', path: '/health/ready', signal });
  await response.body.dump();
  return response.statusCode === 200;
}
