/** Thrown by a handler that has decided that a message can never succeed: it is dead-lettered at once, with the reason. */
export class RejectMessage extends Error {
  readonly code = 'MESSAGE_REJECTED';
  readonly retryable = false;

  constructor(reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.name = 'RejectMessage';
  }
}

/**
 * Thrown by a handler that has not tried, since something that every message needs is away. Nothing is wrong with the messages: they are
 * attempted again in place after a growing pause, for ever, and use up no retry.
 */
export class WaitInPlace extends Error {
  readonly code = 'WAIT_IN_PLACE';
  readonly retryable = true;

  constructor(reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.name = 'WaitInPlace';
  }
}

/**
 * Thrown by a handler that wants a message again later. It counts as an attempt like any other failure; `delayMs`
 * replaces the fixed step that would be next (RabbitMQ only: Kafka retries in place with its own backoff).
 */
export class RetryLater extends Error {
  readonly code = 'RETRY_LATER';
  readonly retryable = true;
  readonly delayMs: number | undefined;

  constructor(reason: string, options: ErrorOptions & { delayMs?: number } = {}) {
    super(reason, options);
    this.name = 'RetryLater';
    this.delayMs = options.delayMs;
  }
}
