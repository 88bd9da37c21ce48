import { addToOutbox, type Envelope, filterNew } from '@punctual/messaging';
import type { Database } from '@punctual/postgres';
import type { Metrics } from '@punctual/telemetry';
import { settleOrders as decide, type OrderFact, type Outcome } from '../domain/stock.ts';
import {
  insertReservations,
  lockReservations,
  lockStock,
  moveStocks,
  updateReservations,
} from '../store/stock-store.ts';
import { stockOutcome } from './outgoing-events.ts';

export type { OrderFact } from '../domain/stock.ts';

/** The name under which this consumer remembers messages. */
export const ORDERS_CONSUMER = 'product';
const RETRIES = 3;
const BATCH_BUCKETS = [1, 2, 5, 10, 20, 50, 100, 200, 500];

/** A fact and the message that brought it. */
export type OrderMessage = Envelope & { readonly fact: OrderFact };

export type SettleOrders = (messages: readonly OrderMessage[]) => Promise<Outcome[]>;

/**
 * Makes the command that settles a batch of orders in one transaction: what is remembered of the messages, stock,
 * reservations and what is told of it commit together. However many orders there are, a product's row is changed once.
 */
export function createOrderSettler(options: {
  db: Database;
  metrics: Metrics;
  clock: () => Date;
  wake: () => void;
}): SettleOrders {
  const { db, metrics, clock, wake } = options;
  const reservations = metrics.counter({
    name: 'stock_reservations_total',
    help: 'Orders settled, by what became of their stock',
    labelNames: ['outcome'],
  });
  const batchSize = metrics.histogram({
    name: 'reserve_batch_size',
    help: 'New order messages settled in one transaction',
    buckets: BATCH_BUCKETS,
  });

  return async function settle(messages) {
    const outcomes = await db.transaction(
      async (tx) => {
        const fresh = await filterNew(tx, ORDERS_CONSUMER, messages);
        if (fresh.length === 0) return [];
        const facts = fresh.map((message) => message.fact);
        const known = await lockReservations(tx, unique(facts.map((fact) => fact.orderId)));
        const lines = [...known, ...facts].flatMap((entry) => ('lines' in entry ? entry.lines : []));
        const stock = await lockStock(tx, unique(lines.map((line) => line.productId)));

        const settlement = decide({ stock, reservations: known }, facts);
        const at = clock();
        await moveStocks(tx, settlement.stockChanges);
        await insertReservations(tx, settlement.created, at);
        await updateReservations(tx, settlement.changed, at);
        // Outcomes stand in the order of their facts, so the message at the same place is the cause.
        await addToOutbox(
          tx,
          settlement.outcomes.flatMap((outcome, index) => stockOutcome(outcome, at, fresh[index]?.traceparent)),
        );
        return settlement.outcomes;
      },
      { retries: RETRIES },
    );
    if (outcomes.length > 0) {
      batchSize.observe(outcomes.length);
      for (const { kind } of outcomes) reservations.inc({ outcome: kind });
      wake();
    }
    return outcomes;
  };
}

function unique(ids: readonly number[]): number[] {
  return [...new Set(ids)];
}
