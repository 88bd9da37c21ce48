import type { Logger, Metrics } from '@punctual/telemetry';

/**
 * `closed`: calls are made. `open`: none is, for CIRCUIT_BREAKER_TIMEOUT. `half_open`: after that CIRCUIT_BREAKER_MAX_REQUESTS trial
 * calls are made, and further ones refused until those are answered; one failure opens it again, when all are answered it closes.
 */
export type BreakerState = 'closed' | 'half_open' | 'open';

/** What every breaker of a process has in common: `resilienceConfig` of packages/config. */
export type BreakerConfig = {
  readonly CIRCUIT_BREAKER_MAX_REQUESTS: number;
  /** Milliseconds. */
  readonly CIRCUIT_BREAKER_INTERVAL: number;
  /** Milliseconds. */
  readonly CIRCUIT_BREAKER_TIMEOUT: number;
};

/**
 * Whoever calls a dependency asks before the call and tells afterwards what came of it. A policy does both; the gateway, whose calls
 * are streams, does so itself.
 *
 *   closed    ── so many failures in a row within an interval ──▶ open
 *   open      ── CIRCUIT_BREAKER_TIMEOUT has passed ──▶ half_open
 *   half_open ── all of its trial calls are answered ──▶ closed; one fails ──▶ open
 *   any       ── reset: there is news of the dependency ──▶ closed
 *
 * What began in an earlier state tells nothing about this one, so a call's outcome counts only in the state that let it through.
 */
export type Breaker = {
  readonly dependency: string;
  readonly state: BreakerState;
  /** A ticket, or undefined when the call must not be made. Every ticket is given back once, with what came of the call. */
  admit(): Ticket | undefined;
  settle(ticket: Ticket, outcome: CallOutcome): void;
  /** Whole seconds until a call is let through again; 0 unless it is open. */
  retryAfterSeconds(): number;
  reset(): void;
};

/**
 * What a call tells of its dependency. A refusal is the sign of life that an answer is; `unknown`: the caller gave up before anything
 * could be said.
 */
export type CallOutcome = 'answered' | 'failed' | 'unknown';

/** The number of the state that let the call through. */
export type Ticket = number & { readonly isTicket: unique symbol };

export type BreakerOptions = {
  readonly config: BreakerConfig;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Failures in a row that open it; default 5. */
  readonly breakAfter?: number | undefined;
  readonly now?: () => number;
};

const DEFAULT_BREAK_AFTER = 5;
const MS_PER_SECOND = 1_000;
/** Timers may run a little early. */
const TIMER_SLACK_MS = 2;
const STATE_NUMBERS: Readonly<Record<BreakerState, number>> = { closed: 0, half_open: 1, open: 2 };

export function createBreaker(dependency: string, options: BreakerOptions): Breaker {
  const { config, logger, metrics, breakAfter = DEFAULT_BREAK_AFTER, now = () => performance.now() } = options;
  const stateGauge = metrics.gauge({
    name: 'circuit_breaker_state',
    help: 'The breaker of a dependency: 0 closed, 1 half-open, 2 open',
    labelNames: ['dependency'],
  });
  const transitions = metrics.counter({
    name: 'circuit_breaker_transitions_total',
    help: 'Changes of breakers, by the state they came to',
    labelNames: ['dependency', 'to'],
  });
  let state: BreakerState = 'closed';
  let epoch = 1;
  let failures = 0;
  let intervalEndsAtMs = 0;
  let openUntilMs = 0;
  let trials = 0;
  let answers = 0;
  stateGauge.set({ dependency }, STATE_NUMBERS.closed);

  function become(next: BreakerState): void {
    state = next;
    epoch += 1;
    failures = 0;
    trials = 0;
    answers = 0;
    if (next === 'open') {
      openUntilMs = now() + config.CIRCUIT_BREAKER_TIMEOUT;
      // People and metrics are to see that calls are let through again, though none may come.
      setTimeout(current, config.CIRCUIT_BREAKER_TIMEOUT + TIMER_SLACK_MS).unref();
    }
    stateGauge.set({ dependency }, STATE_NUMBERS[next]);
    transitions.inc({ dependency, to: next });
    logger.warn('a breaker changed', { dependency, state: next });
  }

  function current(): BreakerState {
    if (state === 'open' && now() >= openUntilMs) become('half_open');
    return state;
  }

  function countFailure(): void {
    if (failures === 0 || now() >= intervalEndsAtMs) {
      failures = 0;
      intervalEndsAtMs = now() + config.CIRCUIT_BREAKER_INTERVAL;
    }
    failures += 1;
    if (failures >= breakAfter) become('open');
  }

  function countAnswer(): void {
    answers += 1;
    if (answers >= config.CIRCUIT_BREAKER_MAX_REQUESTS) become('closed');
  }

  return {
    dependency,
    get state() {
      return current();
    },
    admit() {
      const admitting = current();
      if (admitting === 'open') return undefined;
      if (admitting === 'half_open') {
        if (trials >= config.CIRCUIT_BREAKER_MAX_REQUESTS) return undefined;
        trials += 1;
      }
      return epoch as Ticket;
    },
    settle(ticket, outcome) {
      if (ticket !== epoch) return;
      if (state === 'half_open') {
        if (outcome === 'failed') become('open');
        else if (outcome === 'answered') countAnswer();
        else trials -= 1;
      } else if (outcome === 'failed') countFailure();
      else if (outcome === 'answered') failures = 0;
    },
    retryAfterSeconds() {
      if (current() !== 'open') return 0;
      return Math.max(1, Math.ceil((openUntilMs - now()) / MS_PER_SECOND));
    },
    reset() {
      if (state !== 'closed') become('closed');
      failures = 0;
    },
  };
}
