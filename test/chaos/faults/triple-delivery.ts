import type { ConsumeMessage } from 'amqplib';
import { type IHeaders, Kafka, logLevel, Partitioners } from 'kafkajs';
import type { Fault, World } from '../types.ts';
import { openRabbit } from './rabbit.ts';

const TOPICS = ['user', 'product', 'order', 'stock', 'payment'] as const;
/** On each copy, so that copies are not copied. */
const COPY = 'x-chaos-copy';
const COPIES = 2;
/** Where the messages of each queue come from; the copies go to the queue itself and pass no exchange, hence not by here again. */
const QUEUES = [
  { queue: 'mail.jobs', exchanges: ['notifications', 'mail.retry.due'], key: 'mail.#' },
  { queue: 'order.timers.due', exchanges: ['order.timers.due'], key: 'order.*' },
] as const;

export const tripleDelivery: Fault = {
  name: 'triple-delivery',
  about:
    'Every Kafka event and every RabbitMQ message is delivered three times: two copies with the same id follow it.',
  row: 'every message delivered three times; paid after expired; cancelled before created',
  targets: ['all messages'],
  lastsMs: [15_000, 25_000],
  async strike(world) {
    const kafka = await copyEvents(world);
    try {
      const rabbit = await copyMessages(world);
      return {
        async heal() {
          await Promise.all([kafka.stop(), rabbit.stop()]);
          return { eventsCopied: kafka.copied(), messagesCopied: rabbit.copied() };
        },
      };
    } catch (error) {
      await kafka.stop();
      throw error;
    }
  },
};

type Copier = { copied(): number; stop(): Promise<void> };

async function copyEvents({ settings, log }: World): Promise<Copier> {
  const kafka = new Kafka({
    brokers: settings.KAFKA_BROKERS.split(','),
    clientId: 'chaos',
    logLevel: logLevel.NOTHING,
  });
  const groupId = `chaos-triple-delivery-${Date.now()}`;
  const producer = kafka.producer({
    createPartitioner: Partitioners.DefaultPartitioner,
    allowAutoTopicCreation: false,
  });
  const consumer = kafka.consumer({ groupId });
  let copied = 0;
  await Promise.all([producer.connect(), consumer.connect()]);
  await consumer.subscribe({ topics: [...TOPICS], fromBeginning: false });
  const joined = Promise.withResolvers<void>();
  consumer.on(consumer.events.GROUP_JOIN, () => joined.resolve());
  consumer.on(consumer.events.CRASH, ({ payload }) => joined.reject(payload.error));
  await consumer.run({
    async eachMessage({ topic, partition, message }) {
      const headers: IHeaders = message.headers ?? {};
      if (headers[COPY] !== undefined) return;
      copied += 1;
      const copy = { key: message.key, value: message.value, partition, headers: { ...headers, [COPY]: '1' } };
      await producer.send({ topic, acks: -1, messages: Array.from({ length: COPIES }, () => copy) });
    },
  });
  await joined.promise;
  let isStopped = false;
  return {
    copied: () => copied,
    async stop() {
      if (isStopped) return;
      isStopped = true;
      await consumer.disconnect();
      await producer.disconnect();
      const admin = kafka.admin();
      await admin.connect();
      try {
        await admin.deleteGroups([groupId]);
      } catch (error) {
        log('the group of the copies was left behind', { error: String(error) });
      } finally {
        await admin.disconnect();
      }
    },
  };
}

async function copyMessages(world: World): Promise<Copier> {
  const session = await openRabbit(world);
  const { channel } = session;
  let copied = 0;
  let isStopped = false;
  for (const { queue, exchanges, key } of QUEUES) {
    const { queue: own } = await channel.assertQueue('', { exclusive: true });
    for (const exchange of exchanges) await channel.bindQueue(own, exchange, key);
    await channel.consume(own, (message: ConsumeMessage | null) => {
      if (message === null) return;
      copied += 1;
      const { headers, messageId, type, contentType } = message.properties;
      for (let copy = 0; copy < COPIES; copy += 1) {
        channel.sendToQueue(queue, message.content, {
          persistent: true,
          contentType,
          messageId,
          type,
          headers: { ...ownHeaders(headers ?? {}), [COPY]: '1' },
        });
      }
      channel.ack(message);
    });
  }
  return {
    copied: () => copied,
    async stop() {
      if (isStopped) return;
      isStopped = true;
      try {
        await channel.waitForConfirms();
        await session.close();
      } catch (error) {
        // Another fault has ended the connection: what was not confirmed is one copy less.
        world.log('the copies ended early', { error: String(error) });
      }
    },
  };
}

/** Without the broker's history of the message, which it would not take from a publisher. */
function ownHeaders(headers: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) => !name.startsWith('x-death') && !name.startsWith('x-first-death') && !name.startsWith('x-last-death'),
    ),
  );
}
