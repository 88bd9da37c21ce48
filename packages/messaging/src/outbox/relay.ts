/**
 * The relay carries outbox rows to the brokers.
 *
 *   SELECT the oldest rows ─▶ publish as one batch, with confirms ─▶ DELETE what was confirmed ─▶ again
 *
 * At least once. A crash between publish and delete publishes the same rows again, with the same ids: the consumers'
 * inbox drops them. Nothing is deleted that a broker has not confirmed.
 *
 * Why delete, and not "id > last seen". Ids are taken before commit: a transaction may take id 7 and commit after id 8
 * was published. A relay that remembers 8 never sees 7. A row that is deleted needs no such memory.
 *
 * Why the events of one aggregate stay in order. A writer locks the aggregate's row before it takes an outbox id and
 * holds the lock until commit. So of two events of one aggregate the one with the lower id was committed before the
 * higher id was taken, and a relay that sees the higher has the lower in front of it. One relay works at a time (a
 * lease in the same database), it sends in id order with one request in flight, and it repeats whole batches.
 * A relay that lost its lease without knowing (a process that was suspended) can only repeat what is already out.
 *
 * What goes to an exchange that asks for receipts is moved to outbox_sent instead of deleted, when `receiptWaitMs` is
 * given: see receipts/receipt.ts.
 *
 * Two lanes, one per broker, so that an outage of one never holds up the other. A message that the broker refuses by
 * itself (no queue is bound, or it is too large) is put off, up to a minute at a time, with the reason in its row, and
 * the others overtake it; it is never thrown away, and outbox_oldest_age_seconds shows it.
 */
import type { Component } from '@punctual/lifecycle';
import { type Database, type Lease, leased } from '@punctual/postgres';
import type { Logger, Metrics } from '@punctual/telemetry';
import type { KafkaConnection } from '../kafka/connection.ts';
import { createOutage, type Outage } from '../outage.ts';
import type { RabbitConnection } from '../rabbit/connection.ts';
import { createReceiptDesk, type ReceiptDesk } from '../receipts/receipt-desk.ts';
import { kafkaLane } from './kafka-lane.ts';
import { type Lane, runLane } from './lane.ts';
import { observeOutbox, relayMetrics } from './outbox-metrics.ts';
import { rabbitLane } from './rabbit-lane.ts';
import { createWakeup, type Wakeup } from './wakeup.ts';

const DEFAULT_KAFKA_BATCH = 2_000;
const DEFAULT_RABBIT_BATCH = 1_000;
const DEFAULT_POLL_MS = 250;
const DEFAULT_IDLE_POLL_MS = 1_000;
const DEFAULT_LINGER_MS = 20;

export type RelayOptions = {
  readonly db: Database;
  /** A service that never writes rows for a broker leaves it out. */
  readonly kafka?: KafkaConnection;
  readonly rabbit?: RabbitConnection;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** CloudEvents source of everything that leaves this outbox, such as `/order`. */
  readonly source: string;
  /** One relay per outbox: the name of its lease in the same database. */
  readonly leaseName: string;
  readonly leaseTtlMs?: number;
  /** How long the first receipt of a message is waited for. Needs `receiptMigrations`, and `rabbit` not started yet. */
  readonly receiptWaitMs?: number;
  readonly kafkaBatch?: number;
  readonly rabbitBatch?: number;
  /** How long an idle relay waits before it looks again, at first and at most. */
  readonly pollMs?: number;
  readonly idlePollMs?: number;
  /** Rest between passes that find less than a whole batch: a little delay for far fewer, larger batches. */
  readonly lingerMs?: number;
};

export type Relay = Component & {
  /** Call after a commit that wrote outbox rows: the relay looks at once instead of at its next poll. */
  wake(): void;
  /** Rejects with the last error of a lane that is failing now. For readiness. */
  ping(): Promise<void>;
};

type RunningLane = { readonly lane: Lane; readonly wakeup: Wakeup; readonly outage: Outage };

export function createRelay(options: RelayOptions): Relay {
  const { db, logger, leaseName } = options;
  const { pollMs = DEFAULT_POLL_MS, idlePollMs = DEFAULT_IDLE_POLL_MS, lingerMs = DEFAULT_LINGER_MS } = options;
  const metrics = relayMetrics(options.metrics);
  const desk = createDesk(options);
  const lanes = createLanes(options, desk).map((lane): RunningLane => {
    const wakeup = createWakeup();
    return { lane, wakeup, outage: createOutage(`relay to ${lane.transport}`, logger) };
  });

  async function run({ signal }: Lease): Promise<void> {
    const observing = observeOutbox({
      db,
      metrics,
      signal,
      logger,
      transports: lanes.map(({ lane }) => lane.transport),
    });
    const running = lanes.map(({ lane, wakeup, outage }) => {
      const { transport } = lane;
      return runLane(lane, {
        db,
        wakeup,
        signal,
        outage,
        pollMs,
        idlePollMs,
        lingerMs,
        onPublished: (count) => metrics.published.inc({ transport }, count),
        onError: () => metrics.errors.inc({ transport, reason: 'unavailable' }),
        onRefused: (refused) => {
          metrics.errors.inc({ transport, reason: 'refused' });
          logger.error('message refused by the broker, to be tried again', { transport, ...refused });
        },
      });
    });
    await Promise.all([observing, desk?.run(signal, wake), ...running]);
  }

  function wake(): void {
    for (const { wakeup } of lanes) wakeup.wake();
  }

  const holder = leased({ db, name: leaseName, logger, run, ttlMs: options.leaseTtlMs });
  return {
    name: 'relay',
    async start() {
      await desk?.start();
      await holder.start();
    },
    async stop() {
      await desk?.stop();
      await holder.stop();
    },
    wake,
    async ping() {
      for (const { outage } of lanes) {
        if (outage.error !== undefined) throw outage.error;
      }
    },
  };
}

function createDesk({ rabbit, receiptWaitMs: waitMs, ...options }: RelayOptions): ReceiptDesk | undefined {
  return rabbit === undefined || waitMs === undefined ? undefined : createReceiptDesk({ ...options, rabbit, waitMs });
}

function createLanes({ kafka, rabbit, source, ...options }: RelayOptions, desk: ReceiptDesk | undefined): Lane[] {
  const lanes: Lane[] = [];
  if (kafka !== undefined) lanes.push(kafkaLane(kafka, { source, batch: options.kafkaBatch ?? DEFAULT_KAFKA_BATCH }));
  if (rabbit !== undefined) {
    const batch = options.rabbitBatch ?? DEFAULT_RABBIT_BATCH;
    lanes.push(rabbitLane(rabbit, { source, batch, settle: desk?.settle }));
  }
  return lanes;
}
