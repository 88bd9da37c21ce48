/**
 * A consumer of one queue.
 *
 *   delivered ─┬─ due later than now ── soon ──▶ held here until due
 *              │                     └─ else ──▶ back to the delayed exchange for the remainder, then acknowledged
 *              └─ due ─▶ batch ─┬─ poison ─────────────────────────────────▶ dead-letter queue, then acknowledged
 *                               └─ handle (one transaction) ─┬─ ok ────────▶ acknowledged
 *                                                            └─ failed, found by halving the batch:
 *                                      retries left ──▶ delayed exchange, attempt + 1, then acknowledged
 *                                      none left, or rejected ──▶ dead-letter queue with the reason, then acknowledged
 *
 * At least once: whatever a message is sent on to has confirmed it before the original is acknowledged, and a crash in
 * between leaves two of them with one id, for the inbox. Retries are new messages, so they use up nothing of the broker's
 * own delivery limit, and they wait in the broker, so nothing blocks behind them.
 *
 * While `ping` fails (the database is away) nothing is anybody's fault: the batch waits in place and uses up no retry.
 *
 * A session lasts as long as its channel. When the channel closes (outage, or the broker cancelled the consumer because
 * the queue was deleted), all that was not acknowledged comes again elsewhere; the session's remaining work is dropped and
 * a new session begins, with the topology declared anew.
 */
import { type Component, pause } from '@punctual/lifecycle';
import type { Logger, Metrics } from '@punctual/telemetry';
import { backoffMs } from '../backoff.ts';
import { consumerMetrics } from '../consumer-metrics.ts';
import { createOutage } from '../outage.ts';
import type { ConsumeOptions } from './consume-options.ts';
import { createDelivery } from './delivery.ts';
import type { Link } from './link.ts';
import type { Fate } from './publisher.ts';
import { openSession, type Session } from './session.ts';
import type { WireMessage } from './wire.ts';

const DEFAULT_BATCH_SIZE = 100;
const DEFAULT_BATCH_WAIT_MS = 5;
const RETRY = { firstMs: 200, maxMs: 2_000 };

/** start() returns at once and consumes whenever connected. stop() lets the running batches finish and acknowledges them. */
export type RabbitConsumer = Component & {
  /** Rejects while not consuming. For readiness. */
  ping(): Promise<void>;
};

export type ConsumerContext = {
  readonly link: Link;
  publish(messages: readonly WireMessage[]): Promise<Fate[]>;
  readonly logger: Logger;
  readonly metrics: Metrics;
};

export function createConsumer<M>(options: ConsumeOptions<M>, context: ConsumerContext): RabbitConsumer {
  const { queue, batchSize = DEFAULT_BATCH_SIZE, batchWaitMs = DEFAULT_BATCH_WAIT_MS, concurrency = 1 } = options;
  const { link, publish } = context;
  const { prefetch = 2 * batchSize * concurrency } = options;
  const logger = context.logger.child({ consumer: options.consumer });
  const delivery = createDelivery(options, { publish, logger, metrics: consumerMetrics(context.metrics) });
  const outage = createOutage(`RabbitMQ consumer ${options.consumer}`, logger);
  const stopping = new AbortController();
  let session: Session | undefined;
  let loop: Promise<void> | undefined;

  async function run(): Promise<void> {
    for (let failures = 1; !stopping.signal.aborted; failures += 1) {
      try {
        const connection = await link.ready(stopping.signal);
        session = await openSession(connection, { queue, prefetch, batchSize, batchWaitMs, concurrency, delivery });
        // Stopped in the meantime: stop() has not seen this session.
        if (stopping.signal.aborted) return await session.close();
        failures = 0;
        outage.recovered();
        const reason = await session.ended;
        // Perhaps the queue was deleted: a new connection declares everything again.
        if (!stopping.signal.aborted) link.reset(connection, reason);
        throw new Error(reason);
      } catch (error) {
        session = undefined;
        if (stopping.signal.aborted) return;
        outage.failed(error);
        await pause(backoffMs(Math.max(1, failures), RETRY), stopping.signal);
      }
    }
  }

  return {
    name: `rabbitmq consumer ${options.consumer}`,
    async start() {
      link.start();
      loop ??= run();
    },
    async stop() {
      stopping.abort();
      await session?.close();
      await loop;
    },
    async ping() {
      if (session === undefined) throw outage.error ?? link.error ?? new Error(`not consuming ${queue} yet`);
    },
  };
}
