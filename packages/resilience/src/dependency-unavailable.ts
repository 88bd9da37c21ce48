/** A call that got no answer, or was not made at all. HTTP and gRPC answer it with TIMEOUT or UNAVAILABLE. */
export class DependencyUnavailable extends Error {
  override readonly name = 'DependencyUnavailable';
  readonly retryable = true;
  readonly dependency: string;
  /** With `timeout` alone the call may have been carried out. */
  readonly reason: 'breaker_open' | 'too_many_calls' | 'timeout';
  /** 0 when nothing is known of that. */
  readonly retryAfterSeconds: number;

  constructor(options: {
    dependency: string;
    reason: DependencyUnavailable['reason'];
    retryAfterSeconds: number;
    cause?: unknown;
  }) {
    super(
      `${options.dependency}: ${options.reason.replaceAll('_', ' ')}`,
      options.cause === undefined ? undefined : { cause: options.cause },
    );
    this.dependency = options.dependency;
    this.reason = options.reason;
    this.retryAfterSeconds = options.retryAfterSeconds;
  }
}
