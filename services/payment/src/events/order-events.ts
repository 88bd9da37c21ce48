import { events } from '@punctual/contracts';
import { filterNew, type KafkaConnection, type KafkaSubscription } from '@punctual/messaging';
import type { Database } from '@punctual/postgres';
import { followOrders } from '../commands/follow-orders.ts';

const GROUP = 'payment-order';

export type OrderEventsOptions = {
  kafka: KafkaConnection;
  db: Database;
  /** Called when there may be refunds to carry out. */
  wakeFollowUp(): void;
  onFatal(error: Error): void;
};

/** What orders became: whose they are, and whether money for them has to go back. */
export function consumeOrderEvents({ kafka, db, wakeFollowUp, onFatal }: OrderEventsOptions): KafkaSubscription {
  return kafka.subscribe({
    groupId: GROUP,
    topics: ['order'],
    schemas: {
      'order.created': events['order.created'].data,
      'order.paid': events['order.paid'].data,
      'order.completed': events['order.completed'].data,
      'order.cancelled': events['order.cancelled'].data,
      'order.refunded': events['order.refunded'].data,
    },
    db,
    onFatal,
    async handle(batch) {
      await db.transaction(async (tx) => followOrders(tx, await filterNew(tx, GROUP, batch)));
      wakeFollowUp();
    },
  });
}
