import type { EnvelopeOf, Schemas } from '../envelope.ts';
import type { Receivable } from '../receipts/receipt.ts';

export type ConsumeOptions<M> = {
  /** This consumer's name in metrics and logs. */
  readonly consumer: string;
  readonly queue: string;
  /** Queue for what is poison, rejected, or has used up its retries; the reason is in the headers. */
  readonly deadLetterQueue: string;
  /**
   * Waits of the retries: stepsMs.length retries, each through this delayed exchange, then the dead-letter queue. The
   * queue must be bound to that exchange's due exchange under the same routing keys.
   */
  readonly retry: { readonly exchange: string; readonly stepsMs: readonly number[] };
  /** The message types of this queue, each with what checks its data. A failure or another type is poison. */
  readonly schemas: Schemas<M>;
  /** One transaction over the batch: filterNew → command → outbox. Resolving acknowledges all of it. */
  handle(batch: EnvelopeOf<M>[]): Promise<void>;
  /** Rejects while something every message needs is away (the database): then waiting uses up no retry. */
  ping?(): Promise<void>;
  /** Told of each message that is finished with: handled, or in the dead-letter queue. */
  readonly receipts?: { add(message: Receivable): void };
  /** Messages per handler call at most; 100. */
  readonly batchSize?: number;
  /** How long a batch that is not full waits for more; 5 ms. */
  readonly batchWaitMs?: number;
  /** Handler calls at the same time; 1. */
  readonly concurrency?: number;
  /** Deliveries that are not acknowledged yet, at most; twice what all handlers can hold, when absent. */
  readonly prefetch?: number;
};
