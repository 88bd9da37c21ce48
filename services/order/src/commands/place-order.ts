import { createHash } from 'node:crypto';
import { formatMoney, type orderApi } from '@punctual/contracts';
import { type Database, GroupCommit, isUnavailable } from '@punctual/postgres';
import { currentContext, type Metrics } from '@punctual/telemetry';
import type { ProductCopy } from '../domain/product-copy.ts';
import {
  type CreationFacts,
  isPlaced,
  type OrderRequest,
  type PlaceOutcome,
  type PlacingRules,
  type ProblemLine,
  placeOrders,
} from '../store/place-orders.ts';
import { saveProductCopies } from '../store/products.ts';
import { invalidField, OrderRefused } from './errors.ts';
import type { RequestLocks } from './request-lock.ts';

const WAIT_BUCKETS_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];
const SIZE_BUCKETS = [1, 2, 4, 8, 16, 32, 64];

/** The owner of the catalog. */
export type ProductCatalog = {
  /** For products that this service has not heard of. Rejects when the catalog is away. */
  find(productIds: readonly number[]): Promise<ProductCopy[]>;
  /** For products that are about to be refused: what is new of them; nothing when the catalog is away or was asked just now. */
  recheck(productIds: readonly number[]): Promise<ProductCopy[]>;
};

export type PlaceOrderInput = {
  readonly userId: number;
  readonly email: string;
  readonly requestId: string;
  readonly body: orderApi.PlaceOrderBody;
};

/** What the order was when it was created: the same for the first answer and for every replay of it. */
export type PlacedOrder = { readonly request: OrderRequest; readonly facts: CreationFacts };

export type PlaceOrderOptions = {
  db: Database;
  locks: Pick<RequestLocks, 'acquire'>;
  catalog: ProductCatalog;
  /** Asked for each batch: they may change while the service runs. */
  rules: () => PlacingRules;
  metrics: Metrics;
  /** Called after a commit that wrote outbox rows. */
  wakeRelay(): void;
};

/**
 * Makes the command that takes an order: lock the request id, place the order within a group commit, unlock. Throws
 * OrderRefused, or an error of the database or the catalog with `retryable`.
 */
export function createPlaceOrder(options: PlaceOrderOptions): (input: PlaceOrderInput) => Promise<PlacedOrder> {
  const { db, locks, catalog, rules, metrics, wakeRelay } = options;
  const placed = metrics.counter({
    name: 'orders_placed_total',
    help: 'Requests to place an order, by outcome',
    labelNames: ['outcome'],
  });
  const batchSize = metrics.histogram({
    name: 'group_commit_batch_size',
    help: 'Orders that shared one commit',
    buckets: SIZE_BUCKETS,
  });
  const batchWait = metrics.histogram({
    name: 'group_commit_wait_seconds',
    help: 'How long the first order of a batch waited for it to start',
    buckets: WAIT_BUCKETS_SECONDS,
  });
  const commits = new GroupCommit<OrderRequest, PlaceOutcome>({
    run: (batch) => placeOrders(db.primary, batch, rules()),
    // A batch whose fate is unknown may be committed; the client's own retry will find out.
    mayRetryAlone: (error) => !isUnavailable(error),
    overloaded: () =>
      new OrderRefused('UNAVAILABLE', 'Too many orders at once. Try again shortly.', { retryable: true }),
    onBatch({ size, waitedMs }) {
      batchSize.observe(size);
      batchWait.observe(waitedMs / 1_000);
    },
  });

  async function place(request: OrderRequest): Promise<PlaceOutcome> {
    const first = await commits.submit(request);
    const copies = await factsFor(first);
    if (copies.length === 0) return first;
    await saveProductCopies(db.primary, copies);
    return commits.submit(request);
  }

  /** A refusal may come from copies that are behind. Asked outside any transaction, and once for an order. */
  async function factsFor(outcome: PlaceOutcome): Promise<ProductCopy[]> {
    switch (outcome.outcome) {
      case 'unknown_product':
        return catalog.find(outcome.lines.map((line) => line.product_id));
      case 'out_of_stock':
      case 'product_deleted':
      case 'price_changed':
        return catalog.recheck(outcome.lines.map((line) => line.product_id));
      default:
        return [];
    }
  }

  return async function placeOrder(input) {
    const request = toRequest(input);
    const lock = await locks.acquire(input.userId, input.requestId);
    // A twin that is done may not have been able to unlock; its order is answered all the same.
    if (lock.state === 'held' && !(await isPlaced(db.primary, input))) {
      placed.inc({ outcome: 'in_progress' });
      throw new OrderRefused('REQUEST_IN_PROGRESS', 'This request is still being worked on.', {
        details: { request_id: input.requestId },
        retryable: true,
      });
    }
    let label: PlaceOutcome['outcome'] | 'failed' = 'failed';
    try {
      const outcome = await place(request);
      label = outcome.outcome;
      if (label === 'created') wakeRelay();
      return { request, facts: factsOf(outcome, request) };
    } finally {
      placed.inc({ outcome: label });
      if (lock.state === 'acquired') await lock.release();
    }
  };
}

/** Of the parsed body, so that spaces, the order of keys and `"5.00"` for 5 make no difference. */
export function hashOf(body: orderApi.PlaceOrderBody): string {
  const canonical = [
    body.description,
    body.shipping_address,
    body.notes,
    body.items.map((item) => [item.product_id, item.quantity, item.unit_price ?? null]),
  ];
  return createHash('sha256').update(JSON.stringify(canonical)).digest('hex');
}

function toRequest({ userId, email, requestId, body }: PlaceOrderInput): OrderRequest {
  return {
    userId,
    email,
    requestId,
    hash: hashOf(body),
    description: body.description,
    shippingAddress: body.shipping_address,
    notes: body.notes,
    traceparent: currentContext()?.traceparent,
    items: body.items.map((item) => ({
      productId: item.product_id,
      quantity: item.quantity,
      seenPriceMinor: item.unit_price,
    })),
  };
}

function factsOf(outcome: PlaceOutcome, request: OrderRequest): CreationFacts {
  switch (outcome.outcome) {
    case 'created':
    case 'replayed':
      return outcome.facts;
    case 'reused':
      throw new OrderRefused('REQUEST_ID_REUSED', 'This request_id belongs to an order with another body.', {
        details: { request_id: request.requestId },
      });
    case 'unknown_product':
    case 'product_deleted':
      throw new OrderRefused('NOT_FOUND', 'Some products do not exist.', {
        details: { resource: 'product', product_ids: outcome.lines.map((line) => line.product_id) },
      });
    case 'mixed_currency':
      throw invalidField('items', 'must all be priced in one currency');
    case 'price_changed':
      throw new OrderRefused('PRICE_CHANGED', 'A price is not what it was.', {
        details: outcome.lines.map(priceDetail),
      });
    case 'too_many_open':
      throw new OrderRefused('TOO_MANY_OPEN_ORDERS', 'Too many orders wait to be paid. Pay or cancel some first.', {
        details: outcome.openOrders,
      });
    case 'out_of_stock':
      throw new OrderRefused('OUT_OF_STOCK', 'There is not enough stock.', {
        details: outcome.lines.map(({ product_id, requested, available }) => ({ product_id, requested, available })),
      });
    default:
      return outcome satisfies never;
  }
}

function priceDetail({ product_id, seen_minor, price_minor }: ProblemLine) {
  return { product_id, seen_price: money(seen_minor), unit_price: money(price_minor) };
}

function money(minor: number | null): string | null {
  return minor === null ? null : formatMoney(minor);
}
