import { DependencyUnavailable, type Policies } from '@punctual/resilience';
import {
  type CaptureRequest,
  type Card,
  OutcomeUnknown,
  type PaymentProvider,
  ProviderUnavailable,
  type RefundRequest,
} from './provider.ts';

/** How the provider is called in answers, logs and metrics. */
export const PROVIDER = 'payment provider';

export type Protection = {
  /** Of one call. */
  readonly timeoutMs: number;
  /** Failures in a row that open the breaker. */
  readonly breakAfter: number;
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

/** A payment can be finished by the provider that began it alone; another one is as good as away. Throws ProviderUnavailable. */
export function assertOwn(provider: Pick<PaymentProvider, 'name'>, payment: { readonly provider: string }): void {
  if (payment.provider === provider.name) return;
  throw new ProviderUnavailable(`the payment is with ${payment.provider}, and ${provider.name} is configured`);
}

/**
 * A provider behind the policy of a dependency. A call that it keeps back was not sent: ProviderUnavailable. A call that took too long
 * may have been carried out: OutcomeUnknown. Declines are answers, not failures. No call is repeated here: whether one may be is for
 * the follow-up to find out.
 */
export function protect(
  provider: PaymentProvider,
  { timeoutMs, breakAfter, concurrency }: Protection,
  policies: Policies,
): ProtectedProvider {
  const policy = policies.create(PROVIDER, {
    timeoutMs,
    breakAfter,
    concurrency,
    queue: concurrency * QUEUE_FACTOR,
    judge: (error) => (error instanceof ProviderUnavailable || error instanceof OutcomeUnknown ? 'failed' : 'answered'),
  });

  async function call<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    try {
      return await policy.execute(work);
    } catch (error) {
      throw error instanceof DependencyUnavailable ? translate(error) : error;
    }
  }

  return {
    name: provider.name,
    assertTakes: (amount) => provider.assertTakes(amount),
    tokenize: (card) => call((signal) => provider.tokenize(card, signal)),
    capture: (request) => call((signal) => provider.capture(request, signal)),
    lookup: (request) => call((signal) => provider.lookup(request, signal)),
    refund: (request) => call((signal) => provider.refund(request, signal)),
    verifyWebhook: (rawBody, headers, now) => provider.verifyWebhook(rawBody, headers, now),
    retryAfterSeconds: policy.retryAfterSeconds,
  };
}

function translate(error: DependencyUnavailable): ProviderUnavailable | OutcomeUnknown {
  switch (error.reason) {
    case 'breaker_open':
      return new ProviderUnavailable('the breaker is open', { cause: error });
    case 'too_many_calls':
      return new ProviderUnavailable('too many calls wait', { cause: error });
    case 'timeout':
      return new OutcomeUnknown('no answer in time', { cause: error });
    default:
      return error.reason satisfies never;
  }
}
