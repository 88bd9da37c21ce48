import { type EventData, events } from '@punctual/contracts';
import type { EnvelopeOf, KafkaConnection, KafkaSubscription } from '@punctual/messaging';
import type { Database } from '@punctual/postgres';
import type { IndexProducts } from '../commands/index-products.ts';

const SEARCH_CONSUMER = 'product-search';
const MAX_BATCH = 500;

/** Everything after which a product is found otherwise. An order that was rejected has moved nothing. */
const schemas = {
  'product.created': events['product.created'].data,
  'product.updated': events['product.updated'].data,
  'product.deleted': events['product.deleted'].data,
  'stock.reserved': events['stock.reserved'].data,
  'stock.released': events['stock.released'].data,
};

type CatalogEvents = { [T in keyof typeof schemas]: EventData<T> };

/** Keeps the search index up with the service's own events. In a group of its own: orders never wait for it. */
export function subscribeToCatalogChanges(options: {
  kafka: KafkaConnection;
  db: Database;
  index: IndexProducts;
  onFatal: (error: Error) => void;
}): KafkaSubscription {
  const { kafka, db, index, onFatal } = options;
  return kafka.subscribe<CatalogEvents>({
    groupId: SEARCH_CONSUMER,
    topics: ['product', 'stock'],
    schemas,
    async handle(batch) {
      await index(batch.map((message) => ({ productIds: productsOf(message), at: new Date(message.time) })));
    },
    db,
    onFatal,
    maxBatch: MAX_BATCH,
  });
}

function productsOf({ data }: EnvelopeOf<CatalogEvents>): number[] {
  return 'levels' in data ? data.levels.map((level) => level.product_id) : [data.product_id];
}
