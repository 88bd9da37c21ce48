import { events } from '@punctual/contracts';
import { filterNew, type KafkaConnection, type KafkaSubscription } from '@punctual/messaging';
import type { Database } from '@punctual/postgres';
import { settleStock } from '../commands/settle-stock.ts';

const GROUP = 'order-stock';

export type StockEventsOptions = {
  kafka: KafkaConnection;
  db: Database;
  wakeRelay(): void;
  onFatal(error: Error): void;
};

/** What product decided about orders' stock. */
export function consumeStockEvents({ kafka, db, wakeRelay, onFatal }: StockEventsOptions): KafkaSubscription {
  return kafka.subscribe({
    groupId: GROUP,
    topics: ['stock'],
    schemas: {
      'stock.reserved': events['stock.reserved'].data,
      'stock.rejected': events['stock.rejected'].data,
      'stock.released': events['stock.released'].data,
    },
    db,
    onFatal,
    async handle(batch) {
      await db.transaction(async (tx) => settleStock(tx, await filterNew(tx, GROUP, batch)));
      wakeRelay();
    },
  });
}
