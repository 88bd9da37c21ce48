import { type Component, pause, within } from '@punctual/lifecycle';
import type { Logger, Metrics } from '@punctual/telemetry';
import type { Admin } from 'kafkajs';
import { backoffMs } from '../backoff.ts';
import { createOutage } from '../outage.ts';
import { createFollower, type FollowOptions, type KafkaFollower } from './follower.ts';
import { createKafkajs } from './kafkajs.ts';
import type { KafkaMessage } from './message.ts';
import { createProducer } from './producer.ts';
import type { SubscribeOptions } from './subscribe-options.ts';
import { createSubscription, type KafkaSubscription } from './subscription.ts';

const DEFAULT_PARTITIONS = 6;
/** The broker's own default. */
const DEFAULT_REPLICATION = -1;
const PING_TIMEOUT_MS = 2_000;
const ADMIN_TIMEOUT_MS = 30_000;
const RETRY = { firstMs: 200, maxMs: 2_000 };

export type KafkaOptions = {
  readonly brokers: readonly string[];
  readonly clientId: string;
  /** Put in front of every topic and group, so that stacks and tests share a broker; '' in production. */
  readonly topicPrefix: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
};

export type TopicSpec = { readonly topic: string; readonly partitions?: number; readonly replicationFactor?: number };

/** start() never fails: connecting is retried for ever. stop() closes producer and admin; stop subscriptions first. */
export type KafkaConnection = Component & {
  /** Resolves when all replicas in sync have all messages; per key in the order given. Missing topics are created. */
  publish(messages: readonly KafkaMessage[]): Promise<void>;
  /** Creates what is missing, with 6 partitions when not said otherwise; waits for the broker for ever. */
  ensureTopics(topics: readonly (string | TopicSpec)[]): Promise<void>;
  subscribe<M>(options: SubscribeOptions<M>): KafkaSubscription;
  /** For live notification only: see follower.ts. */
  follow<M>(options: FollowOptions<M>): KafkaFollower;
  /** Rejects when no broker answers within 2 s. */
  ping(): Promise<void>;
  /** The same as stop(). */
  close(): Promise<void>;
};

export function createKafka({ brokers, clientId, topicPrefix, logger, metrics }: KafkaOptions): KafkaConnection {
  const kafka = createKafkajs({ brokers, clientId, logger });
  const stopping = new AbortController();
  const known = new Set<string>();
  const producer = createProducer(kafka, { topicPrefix });
  let admin: Promise<Admin> | undefined;

  function connectedAdmin(): Promise<Admin> {
    admin ??= (async () => {
      const client = kafka.admin();
      await client.connect();
      return client;
    })();
    return admin;
  }

  /** A client that has failed is thrown away: the next call connects anew. */
  async function withAdmin<T>(work: (client: Admin) => Promise<T>, timeoutMs = ADMIN_TIMEOUT_MS): Promise<T> {
    const used = connectedAdmin();
    try {
      return await within(timeoutMs, 'kafka', used.then(work));
    } catch (error) {
      if (admin === used) admin = undefined;
      // Not waited for: connecting may still be at its retries.
      void quietly(used.then((client) => client.disconnect()));
      throw error;
    }
  }

  async function createMissing(topics: readonly TopicSpec[]): Promise<void> {
    // A batch names its topic once per message; the broker takes each once.
    const missing = [...new Map(topics.map((spec) => [spec.topic, spec])).values()].filter(
      ({ topic }) => !known.has(topic),
    );
    if (missing.length === 0) return;
    await withAdmin(async (client) => {
      const existing = new Set(await client.listTopics());
      const absent = missing.filter(({ topic }) => !existing.has(topicPrefix + topic));
      if (absent.length === 0) return;
      await client.createTopics({
        waitForLeaders: true,
        topics: absent.map(({ topic, partitions, replicationFactor }) => ({
          topic: topicPrefix + topic,
          numPartitions: partitions ?? DEFAULT_PARTITIONS,
          replicationFactor: replicationFactor ?? DEFAULT_REPLICATION,
        })),
      });
    });
    for (const { topic } of missing) known.add(topic);
  }

  async function ensureTopics(topics: readonly (string | TopicSpec)[], signal = stopping.signal): Promise<void> {
    const specs = topics.map((topic) => (typeof topic === 'string' ? { topic } : topic));
    const outage = createOutage('creating Kafka topics', logger);
    for (let failures = 1; !signal.aborted; failures += 1) {
      try {
        await createMissing(specs);
        outage.recovered();
        return;
      } catch (error) {
        outage.failed(error);
        await pause(backoffMs(failures, RETRY), signal);
      }
    }
    throw new Error('stopped before the Kafka topics were there');
  }

  async function close(): Promise<void> {
    stopping.abort();
    await producer.close();
    await quietly(admin?.then((client) => client.disconnect()));
  }

  return {
    name: 'kafka',
    async start() {
      // Producer and admin connect when first used, and again after a failure.
    },
    stop: close,
    close,
    async publish(messages) {
      try {
        await createMissing(messages.map(({ topic }) => ({ topic })));
        await producer.send(messages);
      } catch (error) {
        known.clear();
        throw error;
      }
    },
    ensureTopics,
    subscribe: (options) =>
      createSubscription(options, { kafka, topicPrefix, logger, metrics, ensureTopics, withAdmin }),
    follow: (options) => createFollower(options, { kafka, topicPrefix, logger, metrics, ensureTopics, withAdmin }),
    async ping() {
      await withAdmin((client) => client.describeCluster(), PING_TIMEOUT_MS);
    },
  };
}

/** For closing what may be broken already: there is nothing left to do about a failure. */
async function quietly(work: Promise<unknown> | undefined): Promise<void> {
  try {
    await work;
  } catch {
    return;
  }
}
