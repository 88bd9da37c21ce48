/**
 * The producer writes each batch with one request per broker: idempotent (a retry inside kafkajs writes nothing twice),
 * acknowledged by all replicas in sync, one request in flight, so that records of one key keep their order.
 *
 * After any failure the producer is thrown away with its producer id and sequence numbers: kafkajs does not recover from
 * every out-of-sequence answer. Whoever called sends the whole batch again, and duplicates carry the same ce_id.
 */
import { within } from '@punctual/lifecycle';
import type { Kafka, Message, Producer } from 'kafkajs';
import { Partitioners } from 'kafkajs';
import { attributeHeaders, CONTENT_TYPE, KAFKA_PREFIX } from '../codec.ts';
import type { KafkaMessage } from './message.ts';

const SEND_TIMEOUT_MS = 30_000;
const ALL_REPLICAS = -1;

export type BatchProducer = { send(messages: readonly KafkaMessage[]): Promise<void>; close(): Promise<void> };

export function createProducer(kafka: Kafka, { topicPrefix }: { topicPrefix: string }): BatchProducer {
  let current: Promise<Producer> | undefined;

  function connected(): Promise<Producer> {
    current ??= (async () => {
      const producer = kafka.producer({
        idempotent: true,
        maxInFlightRequests: 1,
        allowAutoTopicCreation: false,
        createPartitioner: Partitioners.DefaultPartitioner,
      });
      await producer.connect();
      return producer;
    })();
    return current;
  }

  async function discard(used: Promise<Producer> | undefined): Promise<void> {
    if (current === used) current = undefined;
    try {
      await (await used)?.disconnect();
    } catch {
      return;
    }
  }

  return {
    async send(messages) {
      if (messages.length === 0) return;
      const topicMessages = [...Map.groupBy(messages, ({ topic }) => topic)].map(([topic, group]) => ({
        topic: topicPrefix + topic,
        messages: group.map(recordOf),
      }));
      const used = connected();
      try {
        const sent = used.then((producer) => producer.sendBatch({ acks: ALL_REPLICAS, topicMessages }));
        await within(SEND_TIMEOUT_MS, 'kafka', sent);
      } catch (error) {
        await discard(used);
        throw error;
      }
    },
    close: () => discard(current),
  };
}

/** The record as it goes over the wire. */
export function recordOf({ key, envelope, json }: KafkaMessage): Message {
  return {
    key,
    value: json ?? JSON.stringify(envelope.data),
    headers: { ...attributeHeaders(envelope, KAFKA_PREFIX), 'content-type': CONTENT_TYPE },
  };
}
