import { pause } from '@punctual/lifecycle';
import { type Logger, runWithContext } from '@punctual/telemetry';
import type { ConsumeMessage } from 'amqplib';
import { backoffMs } from '../backoff.ts';
import { workThrough } from '../batch.ts';
import { AMQP_PREFIX, decodeEnvelope, textHeader } from '../codec.ts';
import type { ConsumerMetrics } from '../consumer-metrics.ts';
import { type EnvelopeOf, PoisonError } from '../envelope.ts';
import { RejectMessage, RetryLater } from '../errors.ts';
import { judge, reasonOf } from '../judge.ts';
import type { ConsumeOptions } from './consume-options.ts';
import type { Fate } from './publisher.ts';
import * as wire from './wire.ts';

const WAIT = { firstMs: 100, maxMs: 10_000 };

/** What a batch needs of the channel that it came through. */
export type Acknowledger = {
  /** Aborted when the channel is gone or about to be closed: not to be waited any longer, what is left comes again. */
  readonly signal: AbortSignal;
  /** Does nothing when the channel is gone. */
  ack(message: ConsumeMessage): void;
};

/** What becomes of delivered messages. Both return early, with nothing acknowledged, when the channel is gone. */
export type Delivery = {
  deliver(messages: readonly ConsumeMessage[], channel: Acknowledger): Promise<void>;
  /** For a message that came too early: through the delayed exchange again, for the remainder. */
  sendBack(message: ConsumeMessage, channel: Acknowledger): Promise<void>;
};

type Readable<M> = { readonly message: ConsumeMessage; readonly envelope: EnvelopeOf<M> };
type Context = {
  publish(messages: readonly wire.WireMessage[]): Promise<Fate[]>;
  readonly logger: Logger;
  readonly metrics: ConsumerMetrics;
};

class ChannelGone extends Error {}

/** See consumer.ts for the protocol. */
export function createDelivery<M>(options: ConsumeOptions<M>, { publish, logger, metrics }: Context): Delivery {
  const { consumer, queue, deadLetterQueue, retry, schemas } = options;

  async function deliver(messages: readonly ConsumeMessage[], channel: Acknowledger): Promise<void> {
    await untilGone(async () => {
      const readable: Readable<M>[] = [];
      for (const message of messages) {
        const envelope = read(message);
        if (envelope instanceof PoisonError) {
          await bury(message, envelope, channel);
          channel.ack(message);
        } else {
          readable.push({ message, envelope });
        }
      }
      await workThrough(readable, {
        attempts: { whole: 1, alone: 1 },
        attempt: (items) => handle(items.map(({ envelope }) => envelope)),
        async judge(error) {
          const verdict = await judge(error, async () => options.ping?.());
          metrics.failures.inc({ consumer, verdict });
          logger.warn('handler failed', { verdict, error: reasonOf(error) });
          return verdict;
        },
        pause: (failures) => rest(failures, channel),
        giveUp: (item, error) => retryOrBury(item, error, channel),
        async done(items) {
          for (const { message } of items) channel.ack(message);
        },
      });
    });
  }

  function read(message: ConsumeMessage): EnvelopeOf<M> | PoisonError {
    try {
      const envelope = decodeEnvelope(message.properties.headers ?? {}, message.content, {
        prefix: AMQP_PREFIX,
        schemas,
      });
      const dueAtMs = wire.numberHeader(message, wire.DUE_AT);
      const dueAt = dueAtMs === undefined ? {} : { dueAt: new Date(dueAtMs) };
      return { ...envelope, ...dueAt, attempt: attemptOf(message) };
    } catch (error) {
      if (error instanceof PoisonError) return error;
      throw error;
    }
  }

  async function handle(batch: EnvelopeOf<M>[]): Promise<void> {
    const traceparent = batch.length === 1 ? batch[0]?.traceparent : undefined;
    await runWithContext({ traceparent }, () => options.handle(batch));
    metrics.handled.inc({ consumer }, batch.length);
    for (const envelope of batch) options.receipts?.add(envelope);
  }

  async function retryOrBury({ message, envelope }: Readable<M>, error: unknown, channel: Acknowledger): Promise<void> {
    const stepMs = retry.stepsMs[envelope.attempt - 1];
    if (stepMs === undefined || error instanceof RejectMessage) return await bury(message, error, channel);
    const delayMs = (error instanceof RetryLater ? error.delayMs : undefined) ?? stepMs;
    const again = wire.forwarded(message, { exchange: retry.exchange, routingKey: message.fields.routingKey });
    await sendSurely(channel, () => ({
      ...again,
      dueAtMs: Date.now() + delayMs,
      headers: {
        ...again.headers,
        [wire.ATTEMPT]: envelope.attempt + 1,
        [wire.FIRST_FAILURE_AT]: again.headers[wire.FIRST_FAILURE_AT] ?? new Date().toISOString(),
      },
    }));
    metrics.retries.inc({ consumer });
    logger.info('message to be tried again', { event_id: envelope.id, attempt: envelope.attempt, delay_ms: delayMs });
  }

  async function bury(message: ConsumeMessage, error: unknown, channel: Acknowledger): Promise<void> {
    const reason = error instanceof RejectMessage || error instanceof PoisonError ? error.message : reasonOf(error);
    const dead = wire.forwarded(message, { exchange: '', routingKey: deadLetterQueue });
    const now = new Date().toISOString();
    await sendSurely(channel, () => ({
      ...dead,
      headers: {
        ...dead.headers,
        [wire.REASON]: reason,
        [wire.ATTEMPTS]: attemptOf(message),
        [wire.FIRST_FAILURE_AT]: dead.headers[wire.FIRST_FAILURE_AT] ?? now,
        [wire.LAST_FAILURE_AT]: now,
        [wire.QUEUE]: queue,
      },
    }));
    const source = textHeader(dead.headers, `${AMQP_PREFIX}source`);
    if (source !== undefined) options.receipts?.add({ id: dead.id, source });
    metrics.deadLetters.inc({ consumer });
    logger.error('message given up, kept as a dead letter', {
      event_id: dead.id,
      dead_letter_queue: deadLetterQueue,
      reason,
    });
  }

  async function sendBack(message: ConsumeMessage, channel: Acknowledger): Promise<void> {
    await untilGone(async () => {
      const dueAtMs = wire.numberHeader(message, wire.DUE_AT) ?? 0;
      const again = wire.forwarded(message, { exchange: retry.exchange, routingKey: message.fields.routingKey });
      await sendSurely(channel, () => ({ ...again, dueAtMs }));
      channel.ack(message);
    });
  }

  /** Until the broker has confirmed it: only then may the original be acknowledged. */
  async function sendSurely(channel: Acknowledger, make: () => wire.WireMessage): Promise<void> {
    for (let failures = 1; ; failures += 1) {
      let fate: Fate | undefined;
      try {
        [fate] = await publish([make()]);
      } catch (error) {
        logger.debug('message not sent on, retrying', { error: reasonOf(error) });
      }
      if (fate === 'confirmed') return;
      await rest(failures, channel);
    }
  }

  async function rest(failures: number, { signal }: Acknowledger): Promise<void> {
    await pause(backoffMs(failures, WAIT), signal);
    if (signal.aborted) throw new ChannelGone();
  }

  async function untilGone(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof ChannelGone)) throw error;
    }
  }

  return { deliver, sendBack };
}

function attemptOf(message: ConsumeMessage): number {
  return wire.numberHeader(message, wire.ATTEMPT) ?? 1;
}
