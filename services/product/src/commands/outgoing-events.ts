import type {
  EventData,
  EventType,
  ProductDeleted,
  ProductState,
  StockLevel,
  StockRejected,
  StockReleased,
  StockReserved,
} from '@punctual/contracts';
import { events } from '@punctual/contracts';
import type { OutboxMessage } from '@punctual/messaging';
import type { Product } from '../domain/product.ts';
import type { Level, Outcome } from '../domain/stock.ts';
import type { Available } from '../store/product-store.ts';

/** The whole state, so that a consumer needs no earlier event. */
export function productState(
  type: 'product.created' | 'product.updated',
  product: Product,
  stock: Available,
): OutboxMessage {
  const data: ProductState = {
    product_id: product.id,
    version: product.version,
    name: product.name,
    description: product.description,
    price_minor: product.price_minor,
    currency: product.currency,
    available: stock.available,
    stock_version: stock.stockVersion,
    changed_at: product.updatedAt.toISOString(),
  };
  return message(type, product.id, data);
}

export function productDeleted(product: Product, at: Date): OutboxMessage {
  const data: ProductDeleted = { product_id: product.id, version: product.version, deleted_at: at.toISOString() };
  return message('product.deleted', product.id, data);
}

/** What the rest of the shop is told of a settled order; nothing where nothing of theirs has changed. */
export function stockOutcome(outcome: Outcome, at: Date, traceparent: string | undefined): OutboxMessage[] {
  switch (outcome.kind) {
    case 'reserved': {
      const data: StockReserved = {
        order_id: outcome.orderId,
        levels: outcome.levels.map(toLevel),
        reserved_at: at.toISOString(),
      };
      return [message('stock.reserved', outcome.orderId, data, traceparent)];
    }
    case 'rejected': {
      const data: StockRejected = {
        order_id: outcome.orderId,
        missing: outcome.missing.map(({ productId, requested, available }) => ({
          product_id: productId,
          requested,
          available,
        })),
        levels: outcome.levels.map(toLevel),
        rejected_at: at.toISOString(),
      };
      return [message('stock.rejected', outcome.orderId, data, traceparent)];
    }
    case 'released': {
      const data: StockReleased = {
        order_id: outcome.orderId,
        levels: outcome.levels.map(toLevel),
        cause: outcome.cause,
        released_at: at.toISOString(),
      };
      return [message('stock.released', outcome.orderId, data, traceparent)];
    }
    case 'sold':
    case 'ignored':
      return [];
    default:
      return unknownOutcome(outcome);
  }
}

function message<T extends EventType>(type: T, key: number, data: EventData<T>, traceparent?: string): OutboxMessage {
  const { topic } = events[type];
  return {
    transport: 'kafka',
    topic,
    key: String(key),
    type,
    data,
    ...(traceparent === undefined ? {} : { traceparent }),
  };
}

function toLevel({ productId, available, stockVersion }: Level): StockLevel {
  return { product_id: productId, available, stock_version: stockVersion };
}

function unknownOutcome(outcome: never): never {
  throw new Error(`unknown outcome ${JSON.stringify(outcome)}`);
}
