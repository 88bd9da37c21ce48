import type { Logger, Metrics } from '@punctual/telemetry';
import type { Component } from '../component.ts';
import type { Envelope } from '../envelope.ts';
import type { KafkaSubscription, SubscribeOptions } from './subscription.ts';

export type KafkaOptions = {
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** Put in front of every topic and group, so that stacks and tests share a broker; '' in production. */
  readonly topicPrefix: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
};

/** `topic` without the prefix. */
export type KafkaMessage = { readonly topic: string; readonly key: string; readonly envelope: Envelope };

export type TopicSpec = { readonly topic: string; readonly partitions?: number; readonly replicationFactor?: number };

/** start() never fails: connecting is retried for ever. stop() closes producer and admin; stop subscriptions first. */
export type KafkaConnection = Component & {
  /** Resolves when all replicas in sync have all messages; per key in the order given. Rejects within 30 s. */
  publish(messages: readonly KafkaMessage[]): Promise<void>;
  /** Creates what is missing, with 6 partitions when not said otherwise; waits for the broker for ever. */
  ensureTopics(topics: readonly (string | TopicSpec)[]): Promise<void>;
  subscribe<M>(options: SubscribeOptions<M>): KafkaSubscription;
  /** Rejects when no broker answers within 2 s. */
  ping(): Promise<void>;
  /** The same as stop(). */
  close(): Promise<void>;
};

export function createKafka(_options: KafkaOptions): KafkaConnection {
  throw new Error('not written yet');
}
