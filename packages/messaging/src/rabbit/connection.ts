/**
 * RabbitMQ for one process: a connection for publishing and one for consuming, since a broker that is short of memory
 * stops reading from connections that publish, and acknowledgements must not be stuck behind that.
 */
import { type Component, within } from '@punctual/lifecycle';
import type { Logger, Metrics } from '@punctual/telemetry';
import type { ChannelModel } from 'amqplib';
import type { Envelope } from '../envelope.ts';
import type { Topology } from '../topology.ts';
import type { ConsumeOptions } from './consume-options.ts';
import { createConsumer, type RabbitConsumer } from './consumer.ts';
import { declareTopology, hasQueue } from './declare.ts';
import type { ResolvedStrategy } from './delayed-exchange.ts';
import { createLink, type Link } from './link.ts';
import { hasDelayedMessagePlugin } from './probe.ts';
import { createPublisher, type Fate } from './publisher.ts';
import { createRouter } from './router.ts';
import { type WireMessage, wireOf } from './wire.ts';

const PING_TIMEOUT_MS = 2_000;
const READY_TIMEOUT_MS = 5_000;
const REDECLARE_AFTER_MS = 1_000;

export type RabbitOptions = {
  readonly url: string;
  /** Shown in RabbitMQ's management page. */
  readonly name: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
};

/** With `envelope.dueAt` the exchange must be a delayed exchange of the declared topology. */
export type RabbitMessage = {
  readonly exchange: string;
  readonly routingKey: string;
  readonly envelope: Envelope;
  /** The data as JSON text, when it is at hand: then `envelope.data` is not looked at. */
  readonly json?: string;
};

export type PublishFailure = {
  readonly message: RabbitMessage;
  /** unroutable: no such exchange, or no queue is bound. refused: the broker said no. unknown: it may have arrived. */
  readonly reason: 'unroutable' | 'refused' | 'unknown';
};

/** Some messages of a publish were not confirmed: exactly those in `failures`. All others were. */
export class PublishError extends Error {
  readonly code = 'PUBLISH_FAILED';
  readonly retryable = true;
  readonly failures: readonly PublishFailure[];

  constructor(failures: readonly PublishFailure[]) {
    super(`${failures.length} messages were not confirmed: ${[...new Set(failures.map((f) => f.reason))].join(', ')}`);
    this.name = 'PublishError';
    this.failures = failures;
  }
}

/** start() never fails: connecting is retried for ever. stop() closes both connections; stop consumers first. */
export type RabbitConnection = Component & {
  /** Adds to what is declared at every connect. Call before start(). */
  declare(topology: Topology): void;
  /**
   * `listener` is called whenever the queue is not there at a connect, the first one included, before it is declared. When it rejects, so
   * does the connect, and both are tried again. Call before start().
   */
  onQueueLost(queue: string, listener: () => Promise<void>): void;
  /** Persistent, mandatory, confirmed. Resolves when every message is in a queue; else rejects with PublishError. */
  publish(messages: readonly RabbitMessage[]): Promise<void>;
  consume<M>(options: ConsumeOptions<M>): RabbitConsumer;
  /** How a delayed exchange works here, once connected. */
  strategyOf(delayedExchange: string): Promise<ResolvedStrategy>;
  /** Rejects when not connected, blocked by the broker, or silent for 2 s. */
  ping(): Promise<void>;
  /** The same as stop(). */
  close(): Promise<void>;
};

export function createRabbit({ url, name, logger, metrics }: RabbitOptions): RabbitConnection {
  const declared: Topology[] = [];
  const guarded: { readonly queue: string; readonly listener: () => Promise<void> }[] = [];
  const router = createRouter(declared);
  const publisher = createPublisher({ getLink: () => publishing, route: router.route });
  const publishing: Link = createLink({
    url,
    name: `${name} publish`,
    logger,
    async setUp(connection) {
      await declare(connection);
      await publisher.open(connection);
    },
  });
  const consuming = createLink({ url, name: `${name} consume`, logger, setUp: declare });
  let redeclareTimer: NodeJS.Timeout | undefined;
  let lastTurn: Promise<void> = Promise.resolve();

  /**
   * One link after the other, so that a queue that is gone is told of by the first of them alone. A turn is over when its connection is,
   * too: amqplib may leave what was asked last without an answer then.
   */
  function declare(connection: ChannelModel): Promise<void> {
    const turn = lastTurn.then(() => declareAll(connection));
    lastTurn = Promise.race([turn, endOf(connection)]).catch(() => undefined);
    return turn;
  }

  async function declareAll(connection: ChannelModel): Promise<void> {
    await router.resolveStrategies(() => hasDelayedMessagePlugin(url));
    // Told before it is declared: who dies in between, or cannot do what it means, finds it gone again.
    for (const { queue, listener } of guarded) if (!(await hasQueue(connection, queue))) await listener();
    const channel = await connection.createChannel();
    channel.on('error', (error) => logger.warn('RabbitMQ topology not declared', { error: error.message }));
    for (const topology of declared) await declareTopology(channel, topology, router.strategyOf);
    await channel.close();
  }

  /**
   * A message that finds no queue means that what we declared was deleted on the broker, so it is declared again: a
   * moment later, since a quorum queue that comes back under its name before the channels of its consumers have noticed
   * that it was gone withholds its first messages from them (RabbitMQ 3.10 takes them for repeats of the old queue's).
   */
  function redeclareSoon(): void {
    redeclareTimer ??= setTimeout(redeclare, REDECLARE_AFTER_MS);
  }

  async function redeclare(): Promise<void> {
    redeclareTimer = undefined;
    let connection: ChannelModel | undefined;
    try {
      connection = await publishing.ready(AbortSignal.timeout(READY_TIMEOUT_MS));
      await declare(connection);
    } catch (error) {
      if (connection !== undefined) publishing.reset(connection, `topology not declared: ${String(error)}`);
    }
  }

  async function publishWire(messages: readonly WireMessage[]): Promise<Fate[]> {
    const fates = await publisher.publish(messages);
    if (fates.includes('unroutable')) redeclareSoon();
    return fates;
  }

  async function close(): Promise<void> {
    clearTimeout(redeclareTimer);
    await consuming.stop();
    await publishing.stop();
  }

  return {
    name: 'rabbitmq',
    declare(topology) {
      declared.push(topology);
    },
    onQueueLost(queue, listener) {
      guarded.push({ queue, listener });
    },
    async start() {
      publishing.start();
    },
    stop: close,
    close,
    async publish(messages) {
      if (messages.length === 0) return;
      const fates = await publishWire(messages.map((message) => wireOf(message, message.envelope, message.json)));
      const failures: PublishFailure[] = [];
      for (const [index, message] of messages.entries()) {
        const reason = fates[index] ?? 'unknown';
        if (reason !== 'confirmed') failures.push({ message, reason });
      }
      if (failures.length > 0) throw new PublishError(failures);
    },
    consume(options) {
      return createConsumer(options, { link: consuming, publish: publishWire, logger, metrics });
    },
    async strategyOf(delayedExchange) {
      await publishing.ready(AbortSignal.timeout(READY_TIMEOUT_MS));
      return router.strategyOf(delayedExchange);
    },
    async ping() {
      if (publishing.error !== undefined) throw publishing.error;
      if (publishing.isBlocked) throw new Error('RabbitMQ takes no messages (blocked)');
      await within(
        PING_TIMEOUT_MS,
        'rabbitmq',
        roundTrip(await publishing.ready(AbortSignal.timeout(PING_TIMEOUT_MS))),
      );
    },
  };
}

function endOf(connection: ChannelModel): Promise<void> {
  return new Promise((resolve) => connection.once('close', () => resolve()));
}

async function roundTrip(connection: ChannelModel): Promise<void> {
  const channel = await connection.createChannel();
  await channel.close();
}
