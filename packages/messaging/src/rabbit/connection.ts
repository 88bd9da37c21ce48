import type { Logger, Metrics } from '@punctual/telemetry';
import type { Component } from '../component.ts';
import type { Envelope } from '../envelope.ts';
import type { Topology } from '../topology.ts';
import type { ConsumeOptions, RabbitConsumer } from './consumer.ts';

export type RabbitOptions = {
  readonly url: string;
  /** Shown in RabbitMQ's management page. */
  readonly name: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
};

/** With `envelope.dueAt` the exchange must be a delayed exchange of the declared topology. */
export type RabbitMessage = { readonly exchange: string; readonly routingKey: string; readonly envelope: Envelope };

export type PublishFailure = {
  readonly message: RabbitMessage;
  /** unroutable: no queue is bound. refused: the broker answered nack. unknown: no answer, it may have arrived. */
  readonly reason: 'unroutable' | 'refused' | 'unknown';
  readonly cause?: Error;
};

/** Some messages of a publish were not confirmed: exactly those in `failures`. All others were. */
export class PublishError extends Error {
  readonly code = 'PUBLISH_FAILED';
  readonly retryable = true;
  readonly failures: readonly PublishFailure[];

  constructor(failures: readonly PublishFailure[]) {
    super(`${failures.length} messages were not confirmed: ${[...new Set(failures.map((f) => f.reason))].join(', ')}`);
    this.name = 'PublishError';
    this.failures = failures;
  }
}

/** start() never fails: connecting is retried for ever. stop() closes both connections; stop consumers first. */
export type RabbitConnection = Component & {
  /** Adds to what is declared now and again after every reconnect. Call before start(). */
  declare(topology: Topology): void;
  /** Persistent, mandatory, confirmed. Resolves when every message is in a queue; else rejects with PublishError. */
  publish(messages: readonly RabbitMessage[]): Promise<void>;
  consume<M>(options: ConsumeOptions<M>): RabbitConsumer;
  /** Rejects when not connected, blocked by the broker, or silent for 2 s. */
  ping(): Promise<void>;
  /** The same as stop(). */
  close(): Promise<void>;
};

export function createRabbit(_options: RabbitOptions): RabbitConnection {
  throw new Error('not written yet');
}
