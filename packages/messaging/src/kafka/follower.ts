/**
 * Follows topics live, to notify whoever is looking right now. In contrast to a subscription it keeps nothing: no database, no inbox,
 * no commits. Each follower is a consumer group of its own, so every process sees every event, from the moment it follows on.
 *
 *   joining ── first fetch done ──▶ following ── session lost ──▶ joining (a new group after a crash)
 *
 * Events of an outage are missed. `onFollowing` says that from now on none is: whoever shows a state reads it anew then. An event may
 * come twice and a poison record is counted and skipped, so what is shown must only ever depend on the newest state.
 */

import { randomUUID } from 'node:crypto';
import { type Component, pause, within } from '@punctual/lifecycle';
import type { Logger, Metrics } from '@punctual/telemetry';
import type { Admin, Consumer, EachBatchPayload, Kafka, KafkaMessage as KafkaRecord } from 'kafkajs';
import { backoffMs } from '../backoff.ts';
import { decodeEnvelope, isOfInterest, KAFKA_PREFIX, textHeader } from '../codec.ts';
import { type EnvelopeOf, PoisonError, type Schemas } from '../envelope.ts';
import { reasonOf } from '../judge.ts';
import { createOutage } from '../outage.ts';

const SESSION_TIMEOUT_MS = 10_000;
const HEARTBEAT_MS = 2_000;
/** How long a fetch waits at the broker for something new: also the longest time from joining to following. */
const MAX_WAIT_MS = 500;
const LEAVE_TIMEOUT_MS = 1_500;
const STOP_TIMEOUT_MS = 4_000;
const RETRY = { firstMs: 200, maxMs: 2_000 };

export type FollowOptions<M> = {
  /** In logs, metrics and the names of the groups. */
  readonly name: string;
  /** Without the prefix. They are created when missing. */
  readonly topics: readonly string[];
  /** The event types of interest, each with what checks its data; any other type is skipped silently. */
  readonly schemas: Schemas<M>;
  /** Whether anybody looks at this key; others are skipped unread. */
  isWatched(key: string): boolean;
  /** Each event of a watched key, per key in order. Called in passing, so it must not wait; what it throws is logged. */
  onEvent(event: EnvelopeOf<M>): void;
  /** From now on no event is missed: at the start, and after each outage. */
  onFollowing(): void;
};

/** start() returns at once and connects in the background, for ever. */
export type KafkaFollower = Component & {
  /** Rejects while events may be missed. */
  ping(): Promise<void>;
};

export type FollowerContext = {
  readonly kafka: Kafka;
  readonly topicPrefix: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  ensureTopics(topics: readonly string[], signal: AbortSignal): Promise<void>;
  withAdmin<T>(work: (client: Admin) => Promise<T>, timeoutMs?: number): Promise<T>;
};

export function createFollower<M>(options: FollowOptions<M>, context: FollowerContext): KafkaFollower {
  const { name, schemas } = options;
  const { kafka, topicPrefix, withAdmin } = context;
  const logger = context.logger.child({ follower: name });
  const topics = options.topics.map((topic) => topicPrefix + topic);
  const outage = createOutage(`Kafka follower ${name}`, logger);
  const records = context.metrics.counter({
    name: 'kafka_followed_records_total',
    help: 'Records that a live follower of a topic has seen: delivered, unwatched, or skipped as poison.',
    labelNames: ['follower', 'outcome'],
  });
  const stopping = new AbortController();
  const { signal } = stopping;
  let isFollowing = false;
  let running: Promise<void> | undefined;

  async function follow(): Promise<void> {
    let failures = 0;
    while (!signal.aborted) {
      const groupId = `${topicPrefix}${name}-${randomUUID()}`;
      const ended = Promise.withResolvers<void>();
      const end = () => ended.resolve();
      signal.addEventListener('abort', end);
      const consumer = createConsumer(groupId, (error) => {
        outage.failed(error);
        end();
      });
      try {
        await context.ensureTopics(options.topics, signal);
        await consumer.connect();
        await consumer.subscribe({ topics, fromBeginning: false });
        await consumer.run({ autoCommit: false, eachBatch: async (payload) => work(payload) });
        if (!signal.aborted) await ended.promise;
        failures = 0;
      } catch (error) {
        outage.failed(error);
      }
      isFollowing = false;
      signal.removeEventListener('abort', end);
      await leave(consumer, groupId);
      failures += 1;
      await pause(backoffMs(failures, RETRY), signal);
    }
  }

  function createConsumer(groupId: string, onCrash: (error: Error) => void): Consumer {
    const consumer = kafka.consumer({
      groupId,
      sessionTimeout: SESSION_TIMEOUT_MS,
      heartbeatInterval: HEARTBEAT_MS,
      maxWaitTimeInMs: MAX_WAIT_MS,
      allowAutoTopicCreation: false,
      // A crash ends this consumer, and the loop makes a new one: there is one way back, not two.
      retry: { restartOnFailure: async () => false },
    });
    // Where the partitions end is looked up by the first fetch after joining: only then nothing is missed any more. A fetch may itself
    // join anew, when a partition has moved; it ends without having looked.
    const fetchingNodes = new Set<number>();
    consumer.on(consumer.events.GROUP_JOIN, () => {
      fetchingNodes.clear();
      isFollowing = false;
    });
    consumer.on(consumer.events.FETCH_START, ({ payload }) => {
      fetchingNodes.add(payload.nodeId);
    });
    consumer.on(consumer.events.FETCH, ({ payload }) => {
      if (isFollowing || !fetchingNodes.has(payload.nodeId)) return;
      isFollowing = true;
      outage.recovered();
      options.onFollowing();
    });
    consumer.on(consumer.events.CRASH, ({ payload }) => onCrash(payload.error));
    return consumer;
  }

  function work({ batch }: EachBatchPayload): void {
    for (const record of batch.messages) {
      const outcome = deliver(record, batch.topic);
      if (outcome !== undefined) records.inc({ follower: name, outcome });
    }
  }

  function deliver(record: KafkaRecord, topic: string): 'delivered' | 'unwatched' | 'poison' | undefined {
    const headers = record.headers ?? {};
    const type = textHeader(headers, `${KAFKA_PREFIX}type`);
    if (type !== undefined && !isOfInterest(type, schemas)) return undefined;
    if (!options.isWatched(record.key?.toString() ?? '')) return 'unwatched';
    try {
      options.onEvent(decodeEnvelope(headers, record.value, { prefix: KAFKA_PREFIX, schemas }));
      return 'delivered';
    } catch (error) {
      const message = error instanceof PoisonError ? 'unreadable message skipped' : 'a live event was not taken';
      logger.error(message, { topic, offset: record.offset, reason: reasonOf(error) });
      return 'poison';
    }
  }

  /** The group is of no further use; one that a killed process leaves behind, the broker forgets by itself. */
  async function leave(consumer: Consumer, groupId: string): Promise<void> {
    try {
      await within(LEAVE_TIMEOUT_MS, 'leaving the group', consumer.disconnect());
      await withAdmin((admin) => admin.deleteGroups([groupId]), LEAVE_TIMEOUT_MS);
    } catch (error) {
      logger.debug('the group of a follower was not deleted', { error: String(error) });
    }
  }

  return {
    name: `kafka follower ${name}`,
    async start() {
      running ??= follow();
    },
    async stop() {
      stopping.abort();
      try {
        if (running !== undefined) await within(STOP_TIMEOUT_MS, 'stopping to follow', running);
      } catch (error) {
        // Joining cannot be broken off; nothing depends on how it ends.
        logger.debug('a follower is still joining', { error: String(error) });
      }
    },
    async ping() {
      if (!isFollowing) throw outage.error ?? new Error(`Kafka follower ${name} has not joined yet`);
    },
  };
}
