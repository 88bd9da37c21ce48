/**
 * Publishing with proof. Every message is persistent and mandatory, on a confirm channel:
 *
 *   returned, then confirmed   no queue is bound: unroutable (RabbitMQ confirms what it throws away)
 *   confirmed                  in a majority of the queue's replicas
 *   nacked                     the broker would not take it: refused
 *   channel or link closed, or no answer in time: unknown, it may have arrived
 *
 * The return of a message comes before its confirm on the same channel, so when the confirm is there the fate is known.
 */
import { within } from '@punctual/lifecycle';
import type { ChannelModel, ConfirmChannel, Message } from 'amqplib';
import type { Link } from './link.ts';
import { publishOptions, type WireMessage } from './wire.ts';

const READY_TIMEOUT_MS = 5_000;
const CONFIRM_TIMEOUT_MS = 30_000;
/** Messages that the channel takes before it asks to wait for `drain`. */
const CHANNEL_BUFFER = 2_048;

export type Fate = 'confirmed' | 'unroutable' | 'refused' | 'unknown';
/** Where a message really goes: a delayed exchange is not one exchange on the broker. */
export type Routed = { readonly exchange: string; readonly mandatory: boolean; readonly message: WireMessage };

export type Publisher = {
  /** For the link's set-up: the channel of a new connection. */
  open(connection: ChannelModel): Promise<void>;
  /** The fates, in the order of the messages. Throws when nothing could be sent at all. */
  publish(messages: readonly WireMessage[]): Promise<Fate[]>;
};

type PublisherOptions = {
  getLink(): Link;
  /** undefined: there is no way to publish this message. */
  route(message: WireMessage): Routed | undefined;
};

type Sent = { readonly fate: Promise<Fate>; readonly isFull: boolean };
const NOWHERE: Sent = { fate: Promise.resolve('unroutable'), isFull: false };

export function createPublisher({ getLink, route }: PublisherOptions): Publisher {
  let channel: ConfirmChannel | undefined;
  let closed = Promise.withResolvers<void>();
  const returned = new Set<string>();

  async function open(connection: ChannelModel): Promise<void> {
    const opened = await connection.createConfirmChannel({ highWaterMark: CHANNEL_BUFFER });
    const ended = Promise.withResolvers<void>();
    opened.on('return', (message: Message) => returned.add(String(message.properties.messageId)));
    opened.on('error', (error) => getLink().reset(connection, `publishing: ${error.message}`));
    opened.on('close', () => {
      if (channel === opened) channel = undefined;
      ended.resolve();
      getLink().reset(connection, 'the publishing channel closed');
    });
    returned.clear();
    channel = opened;
    closed = ended;
  }

  async function publish(messages: readonly WireMessage[]): Promise<Fate[]> {
    const link = getLink();
    const connection = await link.ready(AbortSignal.timeout(READY_TIMEOUT_MS));
    const used = channel;
    const { promise: end } = closed;
    if (used === undefined) throw new Error('RabbitMQ: the publishing channel is closed');
    if (link.isBlocked) throw new Error('RabbitMQ takes no messages (blocked)');
    const fates: Promise<Fate>[] = [];
    for (const message of messages) {
      const routed = route(message);
      const { fate, isFull } = routed === undefined ? NOWHERE : send(used, routed);
      fates.push(fate);
      if (isFull) await Promise.race([drained(used), end]);
    }
    try {
      return await within(CONFIRM_TIMEOUT_MS, 'rabbitmq', Promise.all(fates));
    } catch {
      link.reset(connection, 'no confirm in time');
      return await Promise.all(fates.map((fate) => Promise.race([fate, Promise.resolve<Fate>('unknown')])));
    }
  }

  function send(used: ConfirmChannel, { exchange, mandatory, message }: Routed): Sent {
    const fate = Promise.withResolvers<Fate>();
    const confirm = (error: Error | null): void => {
      const isReturned = returned.delete(message.id);
      if (error === null) fate.resolve(isReturned ? 'unroutable' : 'confirmed');
      else fate.resolve(error.message === 'message nacked' ? 'refused' : 'unknown');
    };
    try {
      const options = publishOptions(message, { mandatory });
      const hasRoom = used.publish(exchange, message.routingKey, message.body, options, confirm);
      return { fate: fate.promise, isFull: !hasRoom };
    } catch {
      // The channel was closed in the middle of the batch.
      return { fate: Promise.resolve('unknown'), isFull: false };
    }
  }

  return { open, publish };
}

async function drained(channel: ConfirmChannel): Promise<void> {
  const drain = Promise.withResolvers<void>();
  channel.once('drain', () => drain.resolve());
  await drain.promise;
}
