import type { Database } from '@punctual/postgres';
import type { PoisonRecord } from '../dead-letters.ts';
import type { EnvelopeOf, Schemas } from '../envelope.ts';

export type SubscribeOptions<M> = {
  /** Consumer group without the prefix: also this consumer's name in dead_letters and metrics. */
  readonly groupId: string;
  /** Without the prefix. They are created when missing. */
  readonly topics: readonly string[];
  /**
   * The event types of interest, each with what checks its data: `{ 'order.created': events['order.created'].data }`.
   * Data that fails is poison. Any other type is skipped silently, so that producers may be newer than consumers.
   */
  readonly schemas: Schemas<M>;
  /**
   * One transaction over a batch, which holds what was fetched of all partitions, each in its order: filterNew → command
   * → outbox. Resolving commits the offsets. Rejecting makes the batch come again, so every effect must be in that
   * transaction.
   */
  handle(batch: EnvelopeOf<M>[]): Promise<void>;
  /** Where dead letters go, and whose absence is told from a handler's own failure. */
  readonly db: Database;
  /** Replaces writing to dead_letters. Must be idempotent by (consumer, topic, partition, offset). */
  onPoison?(record: PoisonRecord): Promise<void>;
  /** The consumer has died for good: end the process, so that the supervisor starts a new one. */
  onFatal(error: Error): void;
  /** At most so many messages of one partition per handler call; 500. */
  readonly maxBatch?: number;
  /** Failures while the database answers: of a batch before it is split, and of a message alone before it is poison; 5. */
  readonly maxAttempts?: number;
};
