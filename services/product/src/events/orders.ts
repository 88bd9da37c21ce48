import { type EventData, events } from '@punctual/contracts';
import type { EnvelopeOf, KafkaConnection, KafkaSubscription } from '@punctual/messaging';
import type { Database } from '@punctual/postgres';
import { ORDERS_CONSUMER, type OrderFact, type SettleOrders } from '../commands/settle-orders.ts';

const MAX_BATCH = 500;

/** The events of an order that move stock. Paying moves none: paid pieces stay reserved until the order completes. */
const schemas = {
  'order.created': events['order.created'].data,
  'order.cancelled': events['order.cancelled'].data,
  'order.refunded': events['order.refunded'].data,
  'order.completed': events['order.completed'].data,
};

type OrderEvents = { [T in keyof typeof schemas]: EventData<T> };

/** Settles the orders that a fetch brought in one transaction, up to 500 of each partition. */
export function subscribeToOrders(options: {
  kafka: KafkaConnection;
  db: Database;
  settle: SettleOrders;
  onFatal: (error: Error) => void;
}): KafkaSubscription {
  const { kafka, db, settle, onFatal } = options;
  return kafka.subscribe<OrderEvents>({
    groupId: ORDERS_CONSUMER,
    topics: ['order'],
    schemas,
    async handle(batch) {
      await settle(batch.map((message) => ({ ...message, fact: factOf(message) })));
    },
    db,
    onFatal,
    maxBatch: MAX_BATCH,
  });
}

function factOf(message: EnvelopeOf<OrderEvents>): OrderFact {
  const orderId = message.data.order_id;
  if (message.type !== 'order.created') return { type: message.type, orderId };
  const lines = message.data.items.map(({ product_id, quantity }) => ({ productId: product_id, quantity }));
  return { type: message.type, orderId, lines };
}
