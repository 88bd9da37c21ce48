import { randomUUID } from 'node:crypto';
import { type Admin, Kafka, type KafkaMessage, logLevel } from 'kafkajs';
import type { Evidence, KafkaEvent, Lag } from './evidence.ts';

const TOPICS = ['user', 'product', 'order', 'stock', 'payment'];
/** What each consumer group of the shop reads. */
const GROUPS: Readonly<Record<string, string>> = {
  product: 'order',
  'payment-order': 'order',
  'order-stock': 'stock',
  'order-payment': 'payment',
  'order-product': 'product',
};
const READ_TIMEOUT_MS = 60_000;

/** Every record of the shop's topics from the beginning, and how far the consumer groups are behind. */
export async function gatherKafka(brokers: readonly string[]): Promise<Pick<Evidence, 'events' | 'lags'>> {
  const kafka = new Kafka({ brokers: [...brokers], clientId: 'chaos-checker', logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  try {
    const lags: Lag[] = [];
    for (const [group, topic] of Object.entries(GROUPS)) lags.push(await lagOf(admin, group, topic));
    return { events: await readAll(kafka, admin), lags };
  } finally {
    await admin.disconnect();
  }
}

async function lagOf(admin: Admin, group: string, topic: string): Promise<Lag> {
  const [committed] = await admin.fetchOffsets({ groupId: group, topics: [topic] });
  const offsetOf = new Map(committed?.partitions.map(({ partition, offset }) => [partition, Number(offset)]));
  const ends = await admin.fetchTopicOffsets(topic);
  const records = ends.reduce((sum, { partition, high, low }) => {
    const offset = offsetOf.get(partition) ?? -1;
    return sum + Number(high) - (offset < 0 ? Number(low) : offset);
  }, 0);
  return { group, topic, records };
}

/** Up to the ends as they are now: the platform is at rest, so nothing is behind them. */
async function readAll(kafka: Kafka, admin: Admin): Promise<KafkaEvent[]> {
  const missing = new Map<string, number>();
  for (const topic of TOPICS) {
    for (const { partition, high, low } of await admin.fetchTopicOffsets(topic)) {
      if (Number(high) > Number(low)) missing.set(`${topic}/${partition}`, Number(high));
    }
  }
  const found: KafkaEvent[] = [];
  if (missing.size === 0) return found;
  const groupId = `chaos-checker-${randomUUID()}`;
  const consumer = kafka.consumer({ groupId });
  const done = Promise.withResolvers<void>();
  const timer = setTimeout(
    () => done.reject(new Error(`Kafka was not read to the end of ${[...missing.keys()].join(', ')}`)),
    READ_TIMEOUT_MS,
  );
  try {
    await consumer.connect();
    await consumer.subscribe({ topics: TOPICS, fromBeginning: true });
    await consumer.run({
      autoCommit: false,
      async eachBatch({ batch }) {
        const place = `${batch.topic}/${batch.partition}`;
        for (const message of batch.messages) found.push(eventOf(batch.topic, batch.partition, message));
        if (Number(batch.lastOffset()) + 1 >= (missing.get(place) ?? 0)) missing.delete(place);
        if (missing.size === 0) done.resolve();
      },
    });
    await done.promise;
  } finally {
    clearTimeout(timer);
    await consumer.disconnect();
  }
  await admin.deleteGroups([groupId]);
  return found.sort((a, b) => a.topic.localeCompare(b.topic) || a.partition - b.partition || a.offset - b.offset);
}

function eventOf(topic: string, partition: number, { offset, key, value, headers = {} }: KafkaMessage): KafkaEvent {
  const header = (name: string): string | null => {
    const found = headers[name];
    return found === undefined || Array.isArray(found) ? null : found.toString();
  };
  return {
    topic,
    partition,
    offset: Number(offset),
    id: header('ce_id'),
    type: header('ce_type'),
    key: key?.toString('utf8') ?? null,
    data: parsed(value),
  };
}

function parsed(value: Buffer | null): KafkaEvent['data'] {
  if (value === null) return null;
  try {
    const data: unknown = JSON.parse(value.toString('utf8'));
    return typeof data === 'object' && data !== null ? { ...data } : null;
  } catch {
    // Poison: the invariants that look at dead letters know it by its id or its marker.
    return null;
  }
}
