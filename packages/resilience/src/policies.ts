import type { Logger, Metrics } from '@punctual/telemetry';
import {
  BulkheadRejectedError,
  bulkhead,
  ExponentialBackoff,
  handleWhen,
  noop,
  retry,
  TaskCancelledError,
} from 'cockatiel';
import { type Breaker, type BreakerConfig, type BreakerState, type CallOutcome, createBreaker } from './breaker.ts';
import { DependencyUnavailable } from './dependency-unavailable.ts';
import { withinTime } from './within-time.ts';

export type PolicyOptions = {
  /** Of one attempt. */
  readonly timeoutMs: number;
  /** Attempts after the first, with jitter between them; default 0. For work that may be done twice only. */
  readonly retries?: number;
  /** Calls at a time, and how many may wait for their turn. */
  readonly concurrency: number;
  readonly queue?: number;
  /** Failures in a row that open the breaker; default 5. */
  readonly breakAfter?: number;
  /** What an error of the work tells of the dependency; `failed` by default. */
  readonly judge?: (error: unknown) => CallOutcome;
};

/** Guards the calls of one dependency. */
export type Policy = {
  readonly dependency: string;
  readonly state: BreakerState;
  /** Whole seconds until the breaker lets a call through again; 0 unless it is open. */
  retryAfterSeconds(): number;
  /**
   * Bulkhead, then retries, then the breaker, then the time limit of each attempt. Throws what the work threw, or
   * DependencyUnavailable with the reason why there is no answer.
   */
  execute<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>;
};

/** All policies of one process, made in its composition root. */
export type Policies = {
  /** Once per dependency. */
  create(dependency: string, options: PolicyOptions): Policy;
  /** For /health/ready: a breaker that is open degrades a service, and does not make it unready. */
  states(): Readonly<Record<string, BreakerState>>;
};

type Attempts = { execute<T>(attempt: () => Promise<T>): Promise<T> };
type Outcome = CallOutcome | 'refused' | DependencyUnavailable['reason'];

const RETRY_FIRST_DELAY_MS = 20;
const RETRY_MAX_DELAY_MS = 500;
const MS_PER_SECOND = 1_000;

export function createPolicies(
  config: BreakerConfig,
  { logger, metrics }: { logger: Logger; metrics: Metrics },
): Policies {
  const measured = createMeasurements(metrics);
  const policies = new Map<string, Policy>();

  return {
    create(dependency, options) {
      if (policies.has(dependency)) throw new Error(`a policy for ${dependency} exists already`);
      const breaker = createBreaker(dependency, { config, logger, metrics, breakAfter: options.breakAfter });
      const policy = createPolicy(breaker, options, measured);
      policies.set(dependency, policy);
      return policy;
    },
    states: () => Object.fromEntries([...policies].map(([dependency, policy]) => [dependency, policy.state])),
  };
}

function createPolicy(
  breaker: Breaker,
  { timeoutMs, retries = 0, concurrency, queue = concurrency, judge = () => 'failed' }: PolicyOptions,
  measured: Measurements,
): Policy {
  const { dependency } = breaker;
  const room = bulkhead(concurrency, queue);
  const retrying = retries === 0 ? noop : retryFailures();
  const observe = measured.observerOf(dependency);

  function retryFailures(): Attempts {
    const policy = retry(
      handleWhen((error) => outcomeOf(error) === 'failed' || outcomeOf(error) === 'timeout'),
      {
        maxAttempts: retries,
        backoff: new ExponentialBackoff({ initialDelay: RETRY_FIRST_DELAY_MS, maxDelay: RETRY_MAX_DELAY_MS }),
      },
    );
    policy.onRetry(() => measured.retries.inc({ dependency }));
    return policy;
  }

  function outcomeOf(error: unknown): Outcome {
    if (error instanceof DependencyUnavailable && error.dependency === dependency) return error.reason;
    const reason = reasonOf(error);
    if (reason !== undefined) return reason;
    const outcome = judge(error);
    return outcome === 'answered' ? 'refused' : outcome;
  }

  async function attempt<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const ticket = breaker.admit();
    if (ticket === undefined) throw unavailable('breaker_open');
    try {
      const answer = await withinTime(timeoutMs, work);
      breaker.settle(ticket, 'answered');
      return answer;
    } catch (error) {
      breaker.settle(ticket, reasonOf(error) === undefined ? judge(error) : 'failed');
      throw error;
    }
  }

  function unavailable(reason: DependencyUnavailable['reason'], cause?: unknown): DependencyUnavailable {
    return new DependencyUnavailable({ dependency, reason, retryAfterSeconds: breaker.retryAfterSeconds(), cause });
  }

  return {
    dependency,
    get state() {
      return breaker.state;
    },
    retryAfterSeconds: breaker.retryAfterSeconds,
    async execute(work) {
      const startedMs = performance.now();
      let outcome: Outcome = 'answered';
      let made: unknown;
      const once = async () => {
        try {
          return await attempt(work);
        } catch (error) {
          if (outcomeOf(error) !== 'breaker_open') made = error;
          throw error;
        }
      };
      try {
        // What an open breaker refuses does not wait for its turn.
        if (breaker.state === 'open') throw unavailable('breaker_open');
        return await room.execute(() => retrying.execute(once));
      } catch (refused) {
        // The attempt that opened the breaker may have done the work, so it is that which the caller is told of.
        const error = made ?? refused;
        outcome = outcomeOf(error);
        const reason = reasonOf(error);
        throw reason === undefined ? error : unavailable(reason, error);
      } finally {
        observe(outcome, (performance.now() - startedMs) / MS_PER_SECOND);
      }
    },
  };
}

function reasonOf(error: unknown): DependencyUnavailable['reason'] | undefined {
  if (error instanceof BulkheadRejectedError) return 'too_many_calls';
  if (error instanceof TaskCancelledError) return 'timeout';
  return undefined;
}

type Measurements = ReturnType<typeof createMeasurements>;

function createMeasurements(metrics: Metrics) {
  const seconds = metrics.histogram({
    name: 'dependency_call_seconds',
    help: 'Calls of dependencies, retries and waiting included',
    labelNames: ['dependency', 'outcome'],
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  });
  return {
    retries: metrics.counter({
      name: 'dependency_retries_total',
      help: 'Attempts after the first',
      labelNames: ['dependency'],
    }),
    /** Labels are looked up once per outcome rather than with every call. */
    observerOf(dependency: string) {
      const byOutcome = new Map<Outcome, { observe(value: number): void }>();
      return (outcome: Outcome, value: number): void => {
        let child = byOutcome.get(outcome);
        if (child === undefined) {
          child = seconds.labels({ dependency, outcome });
          byOutcome.set(outcome, child);
        }
        child.observe(value);
      };
    },
  };
}
