import type { Channel, ChannelModel } from 'amqplib';
import type { QueueSpec, Topology } from '../topology.ts';
import { declareDelayedExchange, type ResolvedStrategy } from './delayed-exchange.ts';

/** Declares all of it. Rejects when something of the same name exists with other properties. */
export async function declareTopology(
  channel: Channel,
  topology: Topology,
  strategyOf: (name: string) => ResolvedStrategy,
): Promise<void> {
  for (const exchange of topology.exchanges) await channel.assertExchange(exchange, 'topic', { durable: true });
  for (const spec of topology.delayed) await declareDelayedExchange(channel, spec, strategyOf(spec.name));
  for (const queue of topology.queues) await declareQueue(channel, queue);
}

async function declareQueue(channel: Channel, { name, bindings, deadLetterQueue }: QueueSpec): Promise<void> {
  const deadLetters =
    deadLetterQueue === undefined
      ? {}
      : {
          'x-dead-letter-exchange': '',
          'x-dead-letter-routing-key': deadLetterQueue,
          'x-dead-letter-strategy': 'at-least-once',
          'x-overflow': 'reject-publish',
        };
  await channel.assertQueue(name, { durable: true, arguments: { 'x-queue-type': 'quorum', ...deadLetters } });
  for (const { exchange, routingKey } of bindings) await channel.bindQueue(name, exchange, routingKey);
}

const NOT_FOUND = 404;

/** Asks on a channel of its own, since the broker closes the channel when the answer is no. */
export async function hasQueue(connection: ChannelModel, name: string): Promise<boolean> {
  const channel = await connection.createChannel();
  // checkQueue rejects with the same error.
  channel.on('error', () => undefined);
  try {
    await channel.checkQueue(name);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === NOT_FOUND) return false;
    throw error;
  }
  await channel.close();
  return true;
}
