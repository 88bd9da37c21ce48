import { rows } from '@punctual/postgres';
import { createMetrics, silentLogger } from '@punctual/telemetry';
import { servers, topicPrefix } from '@punctual/testing';
import { createKafka } from '../kafka/connection.ts';
import { createKafkajs } from '../kafka/kafkajs.ts';
import { createRelay } from '../outbox/relay.ts';
import { CONSUMER, type DeadLetter, noteSchemas, type Transport } from './stage.ts';

const TOPIC = 'notes';
const PARTITIONS = 3;
const logger = silentLogger();

export async function openKafka(): Promise<Transport> {
  const { brokers } = servers().kafka;
  const prefix = topicPrefix('conformance');
  const options = { brokers, clientId: 'conformance', topicPrefix: prefix, logger, metrics: createMetrics('kafka') };
  const kafka = createKafka(options);
  await kafka.ensureTopics([{ topic: TOPIC, partitions: PARTITIONS }]);
  const raw = createKafkajs({ brokers, clientId: 'raw', logger }).producer();
  await raw.connect();

  return {
    message: ({ key, n, id }) => ({
      transport: 'kafka',
      topic: TOPIC,
      key,
      type: 'noted',
      data: { key, n },
      ...(id === undefined ? {} : { id }),
    }),
    relay: ({ db, metrics }) =>
      createRelay({ db, kafka, logger, metrics, source: '/conformance', leaseName: 'relay', leaseTtlMs: 1_000 }),
    consumer({ handle, db, metrics, maxAttempts, batchSize }) {
      const consuming = createKafka({ ...options, metrics });
      const subscription = consuming.subscribe({
        groupId: CONSUMER,
        topics: [TOPIC],
        schemas: noteSchemas,
        handle,
        db,
        onFatal(error) {
          throw error;
        },
        ...(maxAttempts === undefined ? {} : { maxAttempts }),
        ...(batchSize === undefined ? {} : { maxBatch: batchSize }),
      });
      return {
        ...subscription,
        async stop() {
          await subscription.stop();
          await consuming.stop();
        },
      };
    },
    async publishRaw(body, headers) {
      const attributes = {
        ce_specversion: '1.0',
        ce_id: 'raw',
        ce_type: 'noted',
        ce_source: '/raw',
        ce_subject: 'raw',
      };
      const ce_time = new Date().toISOString();
      await raw.send({
        topic: prefix + TOPIC,
        messages: [{ key: 'raw', value: body, headers: headers ?? { ...attributes, ce_time } }],
      });
    },
    async deadLetters(db) {
      const found = await rows<{ event_id: string | null; reason: string }>(
        db.primary,
        'SELECT event_id, reason FROM dead_letters ORDER BY id',
      );
      return found.map(({ event_id, reason }): DeadLetter => ({ id: event_id ?? undefined, reason }));
    },
    async close() {
      await raw.disconnect();
      await kafka.close();
    },
  };
}
