import { type Component, pause } from '@punctual/lifecycle';
import type { Database } from '@punctual/postgres';
import type { Logger, Metrics } from '@punctual/telemetry';
import { createOutage } from '../outage.ts';
import type { RabbitConnection } from '../rabbit/connection.ts';
import { RECEIPTS, RECEIPTS_DEAD, receiptQueue, receiptTopology } from '../topology.ts';
import { RECEIPT, receiptSchema } from './receipt.ts';
import { countSent, forget, hurry, resend, settle } from './sent-messages.ts';

const LOOK_EVERY_MS = 1_000;
const COUNT_EVERY_MS = 5_000;
const MAX_COUNT = 200_000;

export type ReceiptDeskOptions = {
  readonly db: Database;
  readonly rabbit: RabbitConnection;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Whose messages they are: the CloudEvents source, such as `/order`. */
  readonly source: string;
  /** How long the first receipt is waited for. */
  readonly waitMs: number;
};

/** The sender's side of receipt.ts. start() consumes receipts, in every process. Make it before `rabbit` starts. */
export type ReceiptDesk = Component & {
  settle(ids: readonly number[]): Promise<void>;
  /** Until aborted: what has had no receipt in time goes out again. In one process at a time. */
  run(signal: AbortSignal, wakeRelay: () => void): Promise<void>;
};

export function createReceiptDesk(options: ReceiptDeskOptions): ReceiptDesk {
  const { db, rabbit, logger, source, waitMs } = options;
  const sender = source.replace(/^\//, '');
  const waiting = options.metrics.gauge({
    name: 'outbox_sent_rows',
    help: `Messages that RabbitMQ has and whose receiver has not finished with, counted up to ${MAX_COUNT}; 0 where another process holds the lease.`,
  });
  const resent = options.metrics.counter({
    name: 'relay_resent_total',
    help: 'Messages put into the outbox once more, for want of a receipt.',
  });
  rabbit.declare(receiptTopology(sender));
  rabbit.onQueueLost(receiptQueue(sender), sendAllAgain);
  const consumer = rabbit.consume({
    consumer: `${sender}-receipts`,
    queue: receiptQueue(sender),
    deadLetterQueue: RECEIPTS_DEAD,
    // A receipt that fails while the database answers is not worth a second try: its message comes again.
    retry: { exchange: RECEIPTS, stepsMs: [] },
    schemas: { [RECEIPT]: receiptSchema },
    batchSize: 20,
    handle: (batch) =>
      forget(
        db,
        batch.flatMap(({ data }) => data.message_ids),
      ),
    ping: () => db.ping(),
  });

  async function sendAllAgain(): Promise<void> {
    const count = await hurry(db);
    if (count > 0) logger.warn('RabbitMQ came back without its data, messages are sent again', { count });
  }

  async function run(signal: AbortSignal, wakeRelay: () => void): Promise<void> {
    const outage = createOutage('sending again', logger);
    let countedAtMs = -Infinity;
    while (!signal.aborted) {
      let isMore = false;
      try {
        const found = await resend(db);
        isMore = found.isMore;
        if (found.count > 0) {
          resent.inc(found.count);
          wakeRelay();
        }
        if (performance.now() - countedAtMs >= COUNT_EVERY_MS) {
          countedAtMs = performance.now();
          waiting.set(await countSent(db, MAX_COUNT));
        }
        outage.recovered();
      } catch (error) {
        outage.failed(error);
      }
      if (!isMore) await pause(LOOK_EVERY_MS, signal);
    }
    waiting.set(0);
  }

  return {
    name: 'receipt desk',
    start: () => consumer.start(),
    stop: () => consumer.stop(),
    settle: (ids) => settle(db, ids, waitMs),
    run,
  };
}
