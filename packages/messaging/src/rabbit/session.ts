/** One consumer on one channel, from basic.consume to the end of the channel. See consumer.ts. */
import { within } from '@punctual/lifecycle';
import type { ChannelModel, ConsumeMessage } from 'amqplib';
import type { Acknowledger, Delivery } from './delivery.ts';
import { DUE_AT, numberHeader } from './wire.ts';

/** A message that is early by less is kept here: sending it round through the broker would make it late. */
const HOLD_MS = 250;
/** Node's timers may fire a millisecond before their time. */
const TIMER_SLOP_MS = 1;
const CLOSE_TIMEOUT_MS = 2_000;

export type SessionOptions = {
  readonly queue: string;
  readonly prefetch: number;
  readonly batchSize: number;
  readonly batchWaitMs: number;
  readonly concurrency: number;
  readonly delivery: Delivery;
};

export type Session = {
  /** Why it ended. */
  readonly ended: Promise<string>;
  /** Takes no more messages, finishes the running batches, gives the others back to the broker. */
  close(): Promise<void>;
};

export async function openSession(connection: ChannelModel, options: SessionOptions): Promise<Session> {
  const { queue, prefetch, batchSize, batchWaitMs, concurrency, delivery } = options;
  const channel = await connection.createChannel();
  const gone = new AbortController();
  const closing = new AbortController();
  const ended = Promise.withResolvers<string>();
  const batches = new Set<Promise<void>>();
  const returning = new Set<Promise<void>>();
  const holding = new Set<NodeJS.Timeout>();
  let waiting: ConsumeMessage[] = [];
  let batchTimer: NodeJS.Timeout | undefined;

  function end(reason: string): void {
    gone.abort();
    clearTimeout(batchTimer);
    for (const timer of holding) clearTimeout(timer);
    waiting = [];
    ended.resolve(reason);
  }
  channel.on('error', (error) => end(`channel error: ${error.message}`));
  channel.on('close', () => end('channel closed'));

  const acknowledger: Acknowledger = {
    signal: AbortSignal.any([gone.signal, closing.signal]),
    ack(message) {
      if (!gone.signal.aborted) channel.ack(message);
    },
  };

  function receive(message: ConsumeMessage): void {
    const earlyMs = (numberHeader(message, DUE_AT) ?? 0) - Date.now();
    if (earlyMs <= 0) {
      waiting.push(message);
      schedule();
    } else if (earlyMs <= HOLD_MS) {
      const timer = setTimeout(() => {
        holding.delete(timer);
        receive(message);
      }, earlyMs + TIMER_SLOP_MS);
      holding.add(timer);
    } else {
      track(returning, delivery.sendBack(message, acknowledger));
    }
  }

  function schedule(): void {
    if (closing.signal.aborted || batches.size >= concurrency || waiting.length === 0) return;
    if (waiting.length >= batchSize) startBatch();
    else batchTimer ??= setTimeout(startBatch, batchWaitMs);
  }

  function startBatch(): void {
    clearTimeout(batchTimer);
    batchTimer = undefined;
    if (closing.signal.aborted || batches.size >= concurrency || waiting.length === 0) return;
    track(batches, delivery.deliver(waiting.splice(0, batchSize), acknowledger));
    schedule();
  }

  function track(among: Set<Promise<void>>, work: Promise<void>): void {
    const tracked = finish();
    among.add(tracked);
    async function finish(): Promise<void> {
      try {
        await work;
      } catch (error) {
        end(`delivery failed: ${String(error)}`);
      }
      among.delete(tracked);
      schedule();
    }
  }

  await channel.prefetch(prefetch);
  const { consumerTag } = await channel.consume(queue, (message) => {
    if (message === null) end('the broker cancelled the consumer');
    else if (!closing.signal.aborted) receive(message);
  });

  return {
    ended: ended.promise,
    async close() {
      closing.abort();
      await quietly(channel.cancel(consumerTag));
      await Promise.all([...batches, ...returning]);
      end('closed');
      await quietly(channel.close());
    },
  };
}

/** Closing a channel that is closed already throws or hangs: it is closed either way. */
async function quietly(work: Promise<unknown>): Promise<void> {
  try {
    await within(CLOSE_TIMEOUT_MS, 'rabbitmq', work);
  } catch {
    return;
  }
}
