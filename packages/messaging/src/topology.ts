/**
 * Every exchange and queue of the shop, as data. Each service declares all of it whenever it connects, so services start
 * in any order and a publisher's message has its queue before the queue's consumer has ever run. Declaring is
 * idempotent as long as everyone declares the same: so what depends on configuration (the delays) is declared only by
 * the service that owns it, and the rest of this file has no parameters.
 *
 *   notifications ── mail.# ──▶ mail.jobs ──▶ mail service
 *   mail.retry ═(delay)═▶ mail.retry.due ── mail.# ──▶ mail.jobs          given up ──▶ mail.jobs.dead
 *
 *   order.timers ═(delay)═▶ order.timers.due ── order.reminder, order.expiry ──▶ order.timers.due ──▶ order service
 *                                                                          given up ──▶ order.timers.dead
 *
 *   receipts ── order, auth ──▶ receipts.order, receipts.auth ──▶ the service that had sent what is finished with
 */

export type DelayStrategy = 'auto' | 'plugin' | 'ttl';

/** See rabbit/delayed-exchange.ts. Messages that are due come out of the topic exchange `NAME.due`. */
export type DelayedExchangeSpec = {
  readonly name: string;
  readonly strategy: DelayStrategy;
  /** The delays the business knows: each is kept exactly. */
  readonly stepsMs: readonly number[];
  /** Also a ladder of general delays, so that any due time is met closely. */
  readonly arbitrary: boolean;
};

/** A quorum queue. With a dead-letter queue the broker moves there, at least once, what it gives up by itself. */
export type QueueSpec = {
  readonly name: string;
  /** `exchange` may be a plain exchange or `dueExchange(NAME)`. */
  readonly bindings: readonly { readonly exchange: string; readonly routingKey: string }[];
  readonly deadLetterQueue?: string;
};

export type Topology = {
  /** Durable topic exchanges. */
  readonly exchanges: readonly string[];
  readonly delayed: readonly DelayedExchangeSpec[];
  readonly queues: readonly QueueSpec[];
};

/** The exchange out of which a delayed exchange's messages come when they are due. */
export function dueExchange(delayedExchange: string): string {
  return `${delayedExchange}.due`;
}

export const NOTIFICATIONS = 'notifications';
/** Their messages stay rows of the sender until the receiver's receipt. See receipts/receipt.ts. */
export const RECEIPTED_EXCHANGES: readonly string[] = [NOTIFICATIONS];
export const RECEIPTS = 'receipts';
export const RECEIPTS_DEAD = 'receipts.dead';
export const MAIL_QUEUE = 'mail.jobs';
export const MAIL_RETRY = 'mail.retry';
export const MAIL_DEAD = 'mail.jobs.dead';
export const ORDER_TIMERS = 'order.timers';
export const ORDER_TIMERS_QUEUE = 'order.timers.due';
export const ORDER_TIMERS_DEAD = 'order.timers.dead';
export const ORDER_REMINDER_KEY = 'order.reminder';
export const ORDER_EXPIRY_KEY = 'order.expiry';

export type ShopTopologyOptions = {
  readonly delayStrategy: DelayStrategy;
  /** The order service's own delays; only it gives them. */
  readonly orderTimerStepsMs?: readonly number[];
  /** The mail service's own delays; only it gives them. */
  readonly mailRetryStepsMs?: readonly number[];
};

export function shopTopology(options: ShopTopologyOptions): Topology {
  return {
    exchanges: [NOTIFICATIONS, RECEIPTS, dueExchange(MAIL_RETRY), dueExchange(ORDER_TIMERS)],
    delayed: ownedDelays(options),
    queues: [
      { name: MAIL_DEAD, bindings: [] },
      {
        name: MAIL_QUEUE,
        deadLetterQueue: MAIL_DEAD,
        bindings: [NOTIFICATIONS, dueExchange(MAIL_RETRY)].map((exchange) => ({ exchange, routingKey: 'mail.#' })),
      },
      { name: ORDER_TIMERS_DEAD, bindings: [] },
      {
        name: ORDER_TIMERS_QUEUE,
        deadLetterQueue: ORDER_TIMERS_DEAD,
        bindings: [ORDER_REMINDER_KEY, ORDER_EXPIRY_KEY].map((routingKey) => ({
          exchange: dueExchange(ORDER_TIMERS),
          routingKey,
        })),
      },
    ],
  };
}

/** Where the receipts for one service's messages wait. */
export function receiptQueue(sender: string): string {
  return `receipts.${sender}`;
}

/** Declared by the sender alone: a broker without this queue is one that has lost its data, or has never had any. */
export function receiptTopology(sender: string): Topology {
  return {
    exchanges: [RECEIPTS],
    delayed: [],
    queues: [
      { name: RECEIPTS_DEAD, bindings: [] },
      {
        name: receiptQueue(sender),
        deadLetterQueue: RECEIPTS_DEAD,
        bindings: [{ exchange: RECEIPTS, routingKey: sender }],
      },
    ],
  };
}

/** Both may be due at any time: timers after an outage, retries when a handler asks for a delay of its own. */
function ownedDelays({
  delayStrategy,
  orderTimerStepsMs,
  mailRetryStepsMs,
}: ShopTopologyOptions): DelayedExchangeSpec[] {
  const delayed: DelayedExchangeSpec[] = [];
  if (orderTimerStepsMs !== undefined) {
    delayed.push({ name: ORDER_TIMERS, strategy: delayStrategy, stepsMs: orderTimerStepsMs, arbitrary: true });
  }
  if (mailRetryStepsMs !== undefined) {
    delayed.push({ name: MAIL_RETRY, strategy: delayStrategy, stepsMs: mailRetryStepsMs, arbitrary: true });
  }
  return delayed;
}
