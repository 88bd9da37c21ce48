import type { StockLevel, StockRejected, StockReleased, StockReserved } from '@punctual/contracts';
import type { Transaction } from '@punctual/postgres';
import { type Change, rejectStock, reserveStock } from '../domain/order.ts';
import { NO_CATALOG_VERSION, type ProductCopy } from '../domain/product-copy.ts';
import { lockOrders } from '../store/orders.ts';
import { saveProductCopies } from '../store/products.ts';
import { saveDecisions } from './save-decisions.ts';

/** What product says of an order's stock. Releases matter for the levels they tell only. */
export type StockAnswer = { readonly traceparent?: string | undefined } & (
  | { readonly type: 'stock.reserved'; readonly data: StockReserved }
  | { readonly type: 'stock.rejected'; readonly data: StockRejected }
  | { readonly type: 'stock.released'; readonly data: StockReleased }
);

/** Applies a batch of answers, in their order, with a handful of statements. The caller owns the transaction. */
export async function settleStock(tx: Transaction, answers: readonly StockAnswer[]): Promise<void> {
  if (answers.length === 0) return;
  const verdicts = answers.filter((answer) => answer.type !== 'stock.released');
  const locked = await lockOrders(tx, [...new Set(verdicts.map((answer) => answer.data.order_id))]);
  const orders = new Map(locked.map((entry) => [entry.order.id, entry]));
  const changes: Change[] = [];
  const traceparents = new Map<number, string>();
  for (const { type, data, traceparent } of verdicts) {
    const entry = orders.get(data.order_id);
    if (entry === undefined) continue;
    const change = type === 'stock.reserved' ? reserveStock(entry.order, entry.at) : rejectStock(entry.order, entry.at);
    if (change === undefined) continue;
    changes.push(change);
    orders.set(data.order_id, { ...entry, order: change.order });
    if (traceparent !== undefined) traceparents.set(data.order_id, traceparent);
  }
  if (changes.length > 0) await saveDecisions(tx, { changes, actor: 'product', traceparents });
  await saveProductCopies(
    tx,
    answers.flatMap((answer) => answer.data.levels.map(toCopy)),
  );
}

function toCopy(level: StockLevel): ProductCopy {
  return {
    productId: level.product_id,
    version: NO_CATALOG_VERSION,
    name: '',
    priceMinor: 0,
    currency: '',
    deleted: false,
    available: level.available,
    stockVersion: level.stock_version,
  };
}
