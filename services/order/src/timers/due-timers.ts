import { MAX_ORDERS_TO_WAKE, orderTimer } from '@punctual/contracts';
import {
  ORDER_EXPIRY_KEY,
  ORDER_REMINDER_KEY,
  ORDER_TIMERS,
  ORDER_TIMERS_DEAD,
  ORDER_TIMERS_QUEUE,
  type RabbitConnection,
  type RabbitConsumer,
} from '@punctual/messaging';
import type { Database } from '@punctual/postgres';
import type { FireDueTimers } from '../commands/fire-due-timers.ts';

/** Messages; each may wake as many orders as shared a commit. */
const BATCH_SIZE = 50;
const PREFETCH = 100;
const BATCH_WAIT_MS = 10;
/** Of a wake-up that fails while the database answers; the sweeper looks after the order in any case. */
export const TIMER_RETRY_STEPS_MS = [1_000, 10_000, 60_000];

export type DueTimersOptions = { rabbit: RabbitConnection; db: Database; fireDueTimers: FireDueTimers };

/** Wake-ups from the delayed exchange. No inbox: the decision goes by state, so a second delivery finds nothing to do. */
export function consumeDueTimers({ rabbit, db, fireDueTimers }: DueTimersOptions): RabbitConsumer {
  return rabbit.consume({
    consumer: 'order-timers',
    queue: ORDER_TIMERS_QUEUE,
    deadLetterQueue: ORDER_TIMERS_DEAD,
    retry: { exchange: ORDER_TIMERS, stepsMs: TIMER_RETRY_STEPS_MS },
    schemas: { [ORDER_REMINDER_KEY]: orderTimer, [ORDER_EXPIRY_KEY]: orderTimer },
    prefetch: PREFETCH,
    batchSize: BATCH_SIZE,
    batchWaitMs: BATCH_WAIT_MS,
    async handle(batch) {
      const wakings = batch.flatMap(({ data, dueAt }) => data.order_ids.map((orderId) => ({ orderId, dueAt })));
      for (let start = 0; start < wakings.length; start += MAX_ORDERS_TO_WAKE) {
        await fireDueTimers(wakings.slice(start, start + MAX_ORDERS_TO_WAKE), { by: 'broker' });
      }
    },
    ping: () => db.ping(),
  });
}
