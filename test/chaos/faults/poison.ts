import { Kafka, logLevel, Partitioners } from 'kafkajs';
import { untilReady } from '../../../infra/probes.ts';
import type { Fault, Poison, World } from '../types.ts';
import { queryService } from './databases.ts';
import { READY_LIMIT_MS } from './programs.ts';
import { withRabbit } from './rabbit.ts';

/** Of each topic a type that its consumers want, and who they are. */
const TOPICS = [
  { topic: 'order', type: 'order.created', consumers: ['product', 'payment-order'] },
  { topic: 'stock', type: 'stock.reserved', consumers: ['order-stock'] },
  { topic: 'payment', type: 'payment.success', consumers: ['order-payment'] },
  { topic: 'product', type: 'product.updated', consumers: ['order-product'] },
] as const;
const QUEUES = [
  { queue: 'mail.jobs', dead: 'mail.jobs.dead', type: 'mail.order-paid', consumers: ['mail'] },
  { queue: 'order.timers.due', dead: 'order.timers.dead', type: 'order.expiry', consumers: ['order-timers'] },
] as const;
/** Which database keeps what a consumer gave up. */
const DATABASES = ['product', 'payment', 'order'] as const;
const TOO_LARGE_BYTES = 1_000_100;

type Bad = { readonly reason: string; readonly specversion?: string; readonly body: Buffer; readonly type?: string };

function badMessages(marker: string): readonly Bad[] {
  return [
    { reason: 'bad-json', body: Buffer.from(`{"marker":"${marker}"`) },
    { reason: 'unknown-version', body: Buffer.from(JSON.stringify({ marker })), specversion: '2.0' },
    { reason: 'too-large', body: Buffer.from(JSON.stringify({ marker, filler: 'x'.repeat(TOO_LARGE_BYTES) })) },
    { reason: 'wrong-type', body: Buffer.from(JSON.stringify({ marker, order_id: 'seventeen', product_id: [] })) },
  ];
}

export const poison: Fault = {
  name: 'poison',
  about:
    'Messages that nobody can read (bad JSON, unknown version, 1 MB, wrong type) in every topic and queue that is consumed.',
  row: 'poison: bad JSON, unknown version, 1 MB, wrong type',
  targets: ['all consumers'],
  lastsMs: [1_000, 3_000],
  async strike(world) {
    const marker = `poison-${world.random(0, 2 ** 31 - 1).toString(36)}-${Date.now().toString(36)}`;
    const poisoned = [...(await poisonTopics(world, marker)), ...(await poisonQueues(world, marker))];
    return {
      async heal() {
        await untilReady(() => expectAllKept(world, marker, poisoned), { limitMs: READY_LIMIT_MS });
        return { poison: poisoned };
      },
    };
  },
};

async function poisonTopics({ settings }: World, marker: string): Promise<Poison[]> {
  const kafka = new Kafka({
    brokers: settings.KAFKA_BROKERS.split(','),
    clientId: 'chaos',
    logLevel: logLevel.NOTHING,
  });
  const producer = kafka.producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
  });
  const poisoned: Poison[] = [];
  await producer.connect();
  try {
    for (const { topic, type, consumers } of TOPICS) {
      for (const { reason, body, specversion } of badMessages(marker)) {
        const id = `${marker}-${topic}-${reason}`;
        const headers = Object.fromEntries(
          Object.entries(attributes(id, type, specversion)).map(([name, value]) => [`ce_${name}`, value]),
        );
        await producer.send({ topic, acks: -1, messages: [{ key: marker, value: body, headers }] });
        poisoned.push({ kind: 'kafka', topicOrQueue: topic, id, marker, consumers, reason });
      }
    }
  } finally {
    await producer.disconnect();
  }
  return poisoned;
}

async function poisonQueues(world: World, marker: string): Promise<Poison[]> {
  return await withRabbit(world, async (channel) => {
    const poisoned: Poison[] = [];
    for (const { queue, type, consumers } of QUEUES) {
      const unknownType: Bad = {
        reason: 'unknown-type',
        body: Buffer.from(JSON.stringify({ marker })),
        type: 'chaos.unheard-of',
      };
      for (const { reason, body, specversion, type: ownType = type } of [...badMessages(marker), unknownType]) {
        const id = `${marker}-${queue}-${reason}`;
        const headers = Object.fromEntries(
          Object.entries(attributes(id, ownType, specversion)).map(([name, value]) => [`cloudEvents:${name}`, value]),
        );
        channel.sendToQueue(queue, body, {
          persistent: true,
          contentType: 'application/json',
          messageId: id,
          type: ownType,
          headers,
        });
        poisoned.push({ kind: 'rabbit', topicOrQueue: queue, id, marker, consumers, reason });
      }
    }
    await channel.waitForConfirms();
    return poisoned;
  });
}

function attributes(id: string, type: string, specversion = '1.0'): Record<string, string> {
  return { specversion, id, type, source: '/chaos', subject: 'chaos', time: new Date().toISOString() };
}

/** Every consumer has passed its poison: in the databases each one is kept, and the dead-letter queues have taken theirs. */
async function expectAllKept(world: World, marker: string, poisoned: readonly Poison[]): Promise<void> {
  const counts = await Promise.all(
    DATABASES.map((name) =>
      queryService(world, name, `SELECT count(*) FROM dead_letters WHERE event_id LIKE '${marker}%'`),
    ),
  );
  const kept = counts.reduce((sum, count) => sum + Number(count), 0);
  const expected = poisoned.reduce(
    (sum, { kind, consumers = [] }) => sum + (kind === 'kafka' ? consumers.length : 0),
    0,
  );
  if (kept !== expected) throw new Error(`${kept} of ${expected} poisoned records are kept as dead letters`);
  await withRabbit(world, async (channel) => {
    for (const { queue, dead } of QUEUES) {
      const { messageCount } = await channel.checkQueue(dead);
      const least = poisoned.filter(({ topicOrQueue }) => topicOrQueue === queue).length;
      if (messageCount < least) throw new Error(`${dead} holds ${messageCount} of at least ${least} messages`);
    }
  });
}
