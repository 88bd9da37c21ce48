import type { Logger, Metrics } from '@punctual/telemetry';
import {
  BrokenCircuitError,
  BulkheadRejectedError,
  bulkhead,
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhen,
  TaskCancelledError,
  TimeoutStrategy,
  timeout,
  wrap,
} from 'cockatiel';
import {
  type CaptureRequest,
  type Card,
  CardRefused,
  OutcomeUnknown,
  type PaymentProvider,
  ProviderUnavailable,
  type RefundRequest,
} from './provider.ts';

export type Protection = {
  /** Of one call. */
  readonly timeoutMs: number;
  /** Failures in a row that open the breaker. */
  readonly breakAfter: number;
  /** How long it stays open before one call tries again. */
  readonly openForMs: number;
  /** Calls at a time; twice as many may wait for their turn. */
  readonly concurrency: number;
};

/** The provider's calls as the commands make them: what they throw is told apart in provider.ts. */
export type ProtectedProvider = Pick<PaymentProvider, 'name' | 'assertTakes' | 'verifyWebhook'> & {
  tokenize(card: Card): ReturnType<PaymentProvider['tokenize']>;
  capture(request: CaptureRequest): ReturnType<PaymentProvider['capture']>;
  lookup(request: CaptureRequest): ReturnType<PaymentProvider['lookup']>;
  refund(request: RefundRequest): ReturnType<PaymentProvider['refund']>;
  /** Whole seconds until the breaker lets a call try again; 0 when it would do so now. */
  retryAfterSeconds(): number;
};

const QUEUE_FACTOR = 2;
const MS_PER_SECOND = 1_000;

/** A payment can be finished by the provider that began it alone; another one is as good as away. Throws ProviderUnavailable. */
export function assertOwn(provider: Pick<PaymentProvider, 'name'>, payment: { readonly provider: string }): void {
  if (payment.provider === provider.name) return;
  throw new ProviderUnavailable(`the payment is with ${payment.provider}, and ${provider.name} is configured`);
}

/**
 * A provider behind a bulkhead, a breaker and a time limit. A call that any of them keeps back was not sent: ProviderUnavailable.
 * A call that took too long may have been carried out: OutcomeUnknown. Declines are answers, not failures.
 */
export function protect(
  provider: PaymentProvider,
  { timeoutMs, breakAfter, openForMs, concurrency }: Protection,
  { logger, metrics }: { logger: Logger; metrics: Metrics },
): ProtectedProvider {
  const seconds = metrics.histogram({
    name: 'provider_call_seconds',
    help: 'Calls of the payment provider',
    labelNames: ['call', 'outcome'],
    buckets: [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
  });
  const open = metrics.gauge({ name: 'provider_breaker_open', help: '1 while calls of the provider are kept back' });
  open.set(0);
  const breaker = circuitBreaker(handleWhen(isFailure), {
    halfOpenAfter: openForMs,
    breaker: new ConsecutiveBreaker(breakAfter),
  });
  let openedAtMs = 0;
  breaker.onStateChange((state) => {
    open.set(state === CircuitState.Closed ? 0 : 1);
    if (state === CircuitState.Open) openedAtMs = performance.now();
    const name = CircuitState[state];
    logger.warn('provider breaker changed', { provider: provider.name, state: name });
  });
  const guarded = wrap(
    bulkhead(concurrency, concurrency * QUEUE_FACTOR),
    breaker,
    timeout(timeoutMs, TimeoutStrategy.Aggressive),
  );

  async function call<T>(name: string, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const stopTimer = seconds.startTimer({ call: name });
    try {
      const result = await guarded.execute(({ signal }) => work(signal));
      stopTimer({ outcome: 'answered' });
      return result;
    } catch (error) {
      const failure = translate(error);
      stopTimer({ outcome: nameOf(failure) });
      throw failure;
    }
  }

  return {
    name: provider.name,
    assertTakes: (amount) => provider.assertTakes(amount),
    tokenize: (card) => call('tokenize', (signal) => provider.tokenize(card, signal)),
    capture: (request) => call('capture', (signal) => provider.capture(request, signal)),
    lookup: (request) => call('lookup', (signal) => provider.lookup(request, signal)),
    refund: (request) => call('refund', (signal) => provider.refund(request, signal)),
    verifyWebhook: (rawBody, headers, now) => provider.verifyWebhook(rawBody, headers, now),
    retryAfterSeconds() {
      if (breaker.state !== CircuitState.Open) return 0;
      return Math.max(0, Math.ceil((openedAtMs + openForMs - performance.now()) / MS_PER_SECOND));
    },
  };
}

function isFailure(error: unknown): boolean {
  return error instanceof ProviderUnavailable || error instanceof OutcomeUnknown || error instanceof TaskCancelledError;
}

function nameOf(failure: unknown): string {
  if (failure instanceof CardRefused) return 'refused';
  return failure instanceof ProviderUnavailable ? 'unavailable' : 'unknown';
}

function translate(error: unknown): unknown {
  if (error instanceof BrokenCircuitError) return new ProviderUnavailable('the breaker is open', { cause: error });
  if (error instanceof BulkheadRejectedError) return new ProviderUnavailable('too many calls wait', { cause: error });
  if (error instanceof TaskCancelledError) return new OutcomeUnknown('no answer in time', { cause: error });
  return error;
}
