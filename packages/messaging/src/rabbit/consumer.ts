import type { Component } from '../component.ts';
import type { EnvelopeOf, Schemas } from '../envelope.ts';

export type ConsumeOptions<M> = {
  /** This consumer's name in metrics and logs. */
  readonly consumer: string;
  readonly queue: string;
  /** Queue for what is poison, rejected, or has used up its retries; the reason is in the headers. */
  readonly deadLetterQueue: string;
  /** Waits of the retries: steps.length retries, each through this delayed exchange, then the dead-letter queue. */
  readonly retry: { readonly exchange: string; readonly stepsMs: readonly number[] };
  /** The message types of this queue, each with what checks its data. A failure or another type is poison. */
  readonly schemas: Schemas<M>;
  /** One transaction over the batch: filterNew → command → outbox. Resolving acknowledges all of it. */
  handle(batch: EnvelopeOf<M>[]): Promise<void>;
  /** Rejects while something every message needs is away (the database): then waiting uses up no retry. */
  ping?(): Promise<void>;
  readonly prefetch?: number;
  readonly batchSize?: number;
  readonly batchWaitMs?: number;
};

/** start() returns at once and consumes whenever connected. stop() lets the running batch finish and acknowledges it. */
export type RabbitConsumer = Component & {
  /** Rejects while not consuming. For readiness. */
  ping(): Promise<void>;
};
