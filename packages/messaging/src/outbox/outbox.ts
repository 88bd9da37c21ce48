import type { Transaction } from '@punctual/postgres';

/** An event for Kafka: `topic` without the prefix of the deployment, `key` the aggregate whose events stay in order. */
export type KafkaOutboxMessage = {
  readonly transport: 'kafka';
  readonly topic: string;
  readonly key: string;
  readonly type: string;
  readonly data: unknown;
  /** A UUID; made up by the database when absent. */
  readonly id?: string;
};

/** Work for RabbitMQ. With `dueAt` the exchange must be a delayed exchange. */
export type RabbitOutboxMessage = {
  readonly transport: 'rabbit';
  readonly exchange: string;
  readonly routingKey: string;
  readonly type: string;
  readonly data: unknown;
  /** A UUID; made up by the database when absent. */
  readonly id?: string;
  /** The aggregate it is about; the routing key when absent. */
  readonly subject?: string;
  readonly dueAt?: Date;
};

export type OutboxMessage = KafkaOutboxMessage | RabbitOutboxMessage;

/** Writes the messages in the caller's transaction with one INSERT, in the order given. */
export async function addToOutbox(_tx: Transaction, _messages: readonly OutboxMessage[]): Promise<void> {
  throw new Error('not written yet');
}
