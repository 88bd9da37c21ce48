/** Every exchange and queue of the shop, as data. */

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

export type QueueSpec = {
  readonly name: string;
  /** `exchange` may be a plain exchange or `dueExchange(NAME)`. */
  readonly bindings: readonly { readonly exchange: string; readonly routingKey: string }[];
  readonly deadLetterQueue?: string;
};

export type Topology = {
  readonly exchanges: readonly string[];
  readonly delayed: readonly DelayedExchangeSpec[];
  readonly queues: readonly QueueSpec[];
};

export const NOTIFICATIONS = 'notifications';
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

/** The whole topology. Whoever connects declares it, so no service needs another one to have been there first. */
export function shopTopology(_options: ShopTopologyOptions): Topology {
  throw new Error('not written yet');
}
