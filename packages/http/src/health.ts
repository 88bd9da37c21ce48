import type { Logger } from '@punctual/telemetry';
import type { Express, Request, Response } from 'express';
import { requestState } from './request-state.ts';
import { sendJson } from './respond.ts';
import { isStopping } from './stopping.ts';

/** A dependency that the service cannot work without. `check` throws when it is away. */
export type ReadinessCheck = {
  name: string;
  check(): Promise<void>;
  /** Default 1,000. */
  timeoutMs?: number;
};

/** The state of each dependency's breaker. One that is not closed means that some requests are refused, or answered with less. */
export type DependencyStates = Readonly<Record<string, 'closed' | 'half_open' | 'open'>>;

type CheckResult = { status: 'up' } | { status: 'down'; reason: string };
type Readiness = {
  status: 'ready' | 'not_ready' | 'stopping';
  checks: Record<string, CheckResult>;
  dependencies: DependencyStates;
};

const defaultTimeoutMs = 1_000;

export type HealthOptions = {
  service: string;
  version: string;
  checks: readonly ReadinessCheck[];
  dependencies: () => DependencyStates;
  logger: Logger;
};

/**
 * `/health/live` says that the process answers, nothing more: a restart would not bring a broker back.
 * `/health/ready` asks every dependency in parallel, each within its bound. `/health` shows both.
 */
export function createHealth(app: Express, options: HealthOptions) {
  const startedAtMs = Date.now();
  const attempts = options.checks.map((check) => joinAttempts(check, options.logger));

  async function readiness(): Promise<Readiness> {
    const results = await Promise.all(
      attempts.map((attempt, index) => within(attempt, options.checks[index]?.timeoutMs)),
    );
    const checks: Record<string, CheckResult> = {};
    for (const [index, check] of options.checks.entries()) {
      checks[check.name] = results[index] ?? { status: 'down', reason: 'unknown' };
    }
    const up = results.every((result) => result.status === 'up');
    const status = isStopping(app) ? 'stopping' : up ? 'ready' : 'not_ready';
    return { status, checks, dependencies: options.dependencies() };
  }

  return {
    live(_req: Request, res: Response): void {
      sendJson(res, 200, { data: { status: 'live' } });
    },
    async ready(_req: Request, res: Response): Promise<void> {
      answer(res, await readiness(), {});
    },
    async summary(_req: Request, res: Response): Promise<void> {
      answer(res, await readiness(), {
        service: options.service,
        version: options.version,
        uptime_seconds: Math.round((Date.now() - startedAtMs) / 1000),
        live: true,
      });
    },
  };
}

/** Not ready is an error for whoever asks by status, and still shows the checks to whoever reads. */
function answer(res: Response, readiness: Readiness, extra: Record<string, unknown>): void {
  const data = { ...extra, ...readiness };
  if (readiness.status === 'ready') {
    sendJson(res, 200, { data });
    return;
  }
  res.setHeader('retry-after', '1');
  const error = {
    code: 'UNAVAILABLE',
    message: readiness.status === 'stopping' ? 'The service is stopping.' : 'The service is not ready.',
    details: data,
    request_id: requestState(res)?.requestId ?? '',
  };
  sendJson(res, 503, { error });
}

async function within(attempt: () => Promise<CheckResult>, timeoutMs = defaultTimeoutMs): Promise<CheckResult> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<CheckResult>((resolve) => {
    timer = setTimeout(() => resolve({ status: 'down', reason: `no answer within ${timeoutMs} ms` }), timeoutMs);
  });
  try {
    return await Promise.race([timeout, attempt()]);
  } finally {
    clearTimeout(timer);
  }
}

/** A check that hangs is joined by later askers, so that polling does not pile up attempts. */
function joinAttempts(check: ReadinessCheck, logger: Logger): () => Promise<CheckResult> {
  let running: Promise<CheckResult> | undefined;
  return () => {
    running ??= attemptCheck(check, logger).finally(() => {
      running = undefined;
    });
    return running;
  };
}

async function attemptCheck(check: ReadinessCheck, logger: Logger): Promise<CheckResult> {
  try {
    await check.check();
    return { status: 'up' };
  } catch (error) {
    // The reason may hold addresses and user names, which a health page open to all must not show.
    logger.debug('readiness check failed', { check: check.name, error });
    return { status: 'down', reason: 'unreachable' };
  }
}
