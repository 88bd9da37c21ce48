/**
 * A member of a consumer group.
 *
 *   fetched batch of each partition ─▶ chunks of maxBatch ─▶ read ─┬─ poison ─▶ dead_letters
 *                                                                  └─ the rest ─▶ gathered with the other partitions'
 *                                                                               ─▶ handle (one transaction)
 *                                                                               ─▶ commit the offsets
 *
 * At least once: the offset is committed after the handler's transaction, so a crash in between brings the chunk again
 * and the inbox drops it. Nothing is skipped and nothing overtakes within a partition.
 *
 * A handler that fails is tried again in place with a growing pause (see batch.ts): for ever while the database is away,
 * otherwise until the message that is to blame is found and kept in dead_letters. The partition then advances.
 * Meanwhile heartbeats go on from a timer, so that a long outage causes no rebalance.
 *
 * Being stopped, or losing the partition, abandons the chunk: its offset is not committed and its next owner starts there.
 */
import { type Component, pause, within } from '@punctual/lifecycle';
import type { Logger, Metrics } from '@punctual/telemetry';
import type { Admin, Consumer, Kafka } from 'kafkajs';
import { backoffMs } from '../backoff.ts';
import { consumerMetrics } from '../consumer-metrics.ts';
import { createOutage } from '../outage.ts';
import { createChunkWorker } from './chunk-worker.ts';
import { lagGauge, observeLag } from './lag.ts';
import type { SubscribeOptions } from './subscribe-options.ts';

const SESSION_TIMEOUT_MS = 10_000;
const REBALANCE_TIMEOUT_MS = 30_000;
const HEARTBEAT_MS = 2_000;
/** How long a fetch waits at the broker for something new: also how long stopping takes at most when idle. */
const MAX_WAIT_MS = 500;
const STOP_TIMEOUT_MS = 8_000;
const RETRY = { firstMs: 200, maxMs: 2_000 };
/** Handed over at the same time, for them to share a transaction (see gathering.ts); more take turns. */
const MAX_PARTITIONS = 64;
const DEFAULT_MAX_BATCH = 500;
const DEFAULT_MAX_ATTEMPTS = 5;

/** start() returns at once and connects in the background, for ever. stop() lets the running handler finish. */
export type KafkaSubscription = Component & {
  /** Rejects while not a member of the group. For readiness. */
  ping(): Promise<void>;
};

export type SubscriptionContext = {
  readonly kafka: Kafka;
  readonly topicPrefix: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  ensureTopics(topics: readonly string[], signal: AbortSignal): Promise<void>;
  withAdmin<T>(work: (client: Admin) => Promise<T>): Promise<T>;
};

export function createSubscription<M>(options: SubscribeOptions<M>, context: SubscriptionContext): KafkaSubscription {
  const { kafka, topicPrefix, withAdmin } = context;
  const { groupId, maxBatch = DEFAULT_MAX_BATCH, maxAttempts = DEFAULT_MAX_ATTEMPTS } = options;
  const logger = context.logger.child({ consumer: groupId });
  const metrics = consumerMetrics(context.metrics);
  const topics = options.topics.map((topic) => topicPrefix + topic);
  const outage = createOutage(`Kafka consumer ${groupId}`, logger);
  const stopping = new AbortController();
  const { signal } = stopping;
  const worker = createChunkWorker(
    { ...options, maxAttempts, maxBatch },
    { signal, logger, metrics, heartbeatMs: HEARTBEAT_MS },
  );
  let isMember = false;
  let consumer: Promise<Consumer | undefined> | undefined;
  let lag: Promise<void> | undefined;

  async function join(): Promise<Consumer | undefined> {
    for (let failures = 1; !signal.aborted; failures += 1) {
      const member = createMember();
      try {
        await context.ensureTopics(options.topics, signal);
        await member.connect();
        await member.subscribe({ topics, fromBeginning: true });
        await member.run({
          autoCommit: false,
          eachBatchAutoResolve: false,
          partitionsConsumedConcurrently: MAX_PARTITIONS,
          eachBatch: (payload) => worker.work(payload),
        });
        return member;
      } catch (error) {
        outage.failed(error);
        await leave(member);
        await pause(backoffMs(failures, RETRY), signal);
      }
    }
    return undefined;
  }

  function createMember(): Consumer {
    const member = kafka.consumer({
      groupId: topicPrefix + groupId,
      sessionTimeout: SESSION_TIMEOUT_MS,
      rebalanceTimeout: REBALANCE_TIMEOUT_MS,
      heartbeatInterval: HEARTBEAT_MS,
      maxWaitTimeInMs: MAX_WAIT_MS,
      allowAutoTopicCreation: false,
    });
    member.on(member.events.GROUP_JOIN, () => {
      isMember = true;
      outage.recovered();
    });
    member.on(member.events.CRASH, ({ payload: { error, restart } }) => {
      isMember = false;
      if (signal.aborted) return;
      outage.failed(error);
      // With restart kafkajs joins again by itself. Without, it has given up, and so must the process.
      if (!restart) options.onFatal(error);
    });
    return member;
  }

  async function leave(member: Consumer | undefined): Promise<void> {
    isMember = false;
    try {
      if (member !== undefined) await within(STOP_TIMEOUT_MS, 'leaving the consumer group', member.disconnect());
    } catch (error) {
      logger.debug('consumer did not leave its group, it times out', { error: String(error) });
    }
  }

  return {
    name: `kafka consumer ${groupId}`,
    async start() {
      consumer ??= join();
      lag ??= observeLag({ withAdmin, topics, topicPrefix, groupId, gauge: lagGauge(context.metrics), logger, signal });
    },
    async stop() {
      stopping.abort();
      await leave(await consumer);
      await lag;
    },
    async ping() {
      if (!isMember) throw outage.error ?? new Error(`Kafka consumer ${groupId} has not joined its group`);
    },
  };
}
