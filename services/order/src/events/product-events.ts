import { events } from '@punctual/contracts';
import { filterNew, type KafkaConnection, type KafkaSubscription } from '@punctual/messaging';
import type { Database } from '@punctual/postgres';
import { copyProducts } from '../commands/copy-products.ts';

const GROUP = 'order-product';

export type ProductEventsOptions = { kafka: KafkaConnection; db: Database; onFatal(error: Error): void };

/** The catalog, from which orders are priced. */
export function consumeProductEvents({ kafka, db, onFatal }: ProductEventsOptions): KafkaSubscription {
  return kafka.subscribe({
    groupId: GROUP,
    topics: ['product'],
    schemas: {
      'product.created': events['product.created'].data,
      'product.updated': events['product.updated'].data,
      'product.deleted': events['product.deleted'].data,
    },
    db,
    onFatal,
    async handle(batch) {
      await db.transaction(async (tx) => copyProducts(tx, await filterNew(tx, GROUP, batch)));
    },
  });
}
