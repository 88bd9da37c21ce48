/**
 * One message, whichever broker carried it.
 *
 * The attributes are CloudEvents 1.0 in binary mode: the JSON data is the body and every attribute is a header.
 * Kafka headers carry the prefix `ce_` and AMQP headers the prefix `cloudEvents:`, as the two CloudEvents protocol
 * bindings ask. `traceparent` (W3C) travels unprefixed on both.
 */
export type Envelope<T = unknown> = {
  /** Unique per message and the same on every delivery of it: what the inbox remembers. */
  readonly id: string;
  readonly type: string;
  /** The service that wrote it, such as `/order`. */
  readonly source: string;
  /** The aggregate it is about; on Kafka the record's key. */
  readonly subject: string;
  /** When it was written to the outbox: RFC 3339, UTC. */
  readonly time: string;
  readonly data: T;
  readonly traceparent?: string;
  /** A delayed message is handed to no handler before this instant. */
  readonly dueAt?: Date;
  /** 1 on the first delivery; a RabbitMQ retry counts up. Kafka retries in place, so there it stays 1. */
  readonly attempt: number;
};

/** What checks the data of each type of message that a consumer wants: a zod schema, or anything that parses or throws. */
export type Schemas<M> = { readonly [K in keyof M]: { parse(data: unknown): M[K] } };

/** The union of a consumer's messages: a switch over `type` narrows `data`. */
export type EnvelopeOf<M> = { [K in keyof M & string]: Envelope<M[K]> & { readonly type: K } }[keyof M & string];

/** A message that cannot be read, and why. It can never succeed, so it goes to the dead letters at once. */
export class PoisonError extends Error {
  readonly code = 'POISON';
  readonly retryable = false;

  constructor(reason: string, options?: ErrorOptions) {
    super(reason, options);
    this.name = 'PoisonError';
  }
}
