import { one, type Queryable, rows } from '@punctual/postgres';
import type { OrderItem } from '../domain/order.ts';

export type OrderRequest = {
  readonly userId: number;
  readonly email: string;
  readonly requestId: string;
  /** SHA-256 of the canonical body, hexadecimal. */
  readonly hash: string;
  readonly description: string;
  readonly shippingAddress: string;
  readonly notes: string;
  readonly traceparent: string | undefined;
  readonly items: readonly { productId: number; quantity: number; seenPriceMinor: number | undefined }[];
};

/** Delays from creation, in milliseconds of the real clock; reminders ascending and before the expiry. */
export type Schedule = { readonly remindersMs: readonly number[]; readonly expiryMs: number };

/** What place_orders goes by beside the requests; `maxOpen` is how many unpaid orders a user may have, null for any. */
export type PlacingRules = Schedule & { readonly maxOpen: number | null };

/** `open` orders of the user, of `limit` that may be. */
export type OpenOrders = { readonly open: number; readonly limit: number };

/** What an order was when it was created, which never changes. Instants are RFC 3339. */
export type CreationFacts = {
  readonly id: number;
  readonly items: readonly OrderItem[];
  readonly totalMinor: number;
  readonly currency: string;
  readonly createdAt: string;
  readonly expiresAt: string;
};

/** A line of the request that stands in the way of the order. */
export type ProblemLine = {
  readonly product_id: number;
  readonly requested: number;
  readonly available: number | null;
  readonly seen_minor: number | null;
  readonly price_minor: number | null;
};

export type PlaceOutcome =
  | { readonly outcome: 'created' | 'replayed'; readonly facts: CreationFacts }
  | { readonly outcome: 'reused' | 'mixed_currency' }
  | { readonly outcome: 'too_many_open'; readonly openOrders: OpenOrders }
  | {
      readonly outcome: 'unknown_product' | 'product_deleted' | 'price_changed' | 'out_of_stock';
      readonly lines: readonly ProblemLine[];
    };

type ResultRow =
  | { i: number; outcome: 'created' | 'replayed'; result: CreationFacts }
  | { i: number; outcome: 'reused' | 'mixed_currency' }
  | { i: number; outcome: 'unresolved' }
  | { i: number; outcome: 'too_many_open'; result: OpenOrders }
  | {
      i: number;
      outcome: 'unknown_product' | 'product_deleted' | 'price_changed' | 'out_of_stock';
      result: ProblemLine[];
    };

/** Whether a request has become an order. */
export async function isPlaced(
  db: Queryable,
  { userId, requestId }: Pick<OrderRequest, 'userId' | 'requestId'>,
): Promise<boolean> {
  const found = await one(db, 'SELECT id FROM orders WHERE user_id = :userId AND request_id = :requestId', {
    userId,
    requestId,
  });
  return found !== undefined;
}

/** Places a batch in one round trip and one commit; the answers stand in the order of the requests. See the migration. */
export async function placeOrders(
  db: Queryable,
  requests: readonly OrderRequest[],
  { remindersMs, expiryMs, maxOpen }: PlacingRules,
): Promise<PlaceOutcome[]> {
  const batch = requests.map((request, i) => ({
    i,
    user_id: request.userId,
    email: request.email,
    request_id: request.requestId,
    hash: request.hash,
    description: request.description,
    shipping_address: request.shippingAddress,
    notes: request.notes,
    traceparent: request.traceparent,
    items: request.items.map((item) => ({
      product_id: item.productId,
      quantity: item.quantity,
      unit_price_minor: item.seenPriceMinor,
    })),
  }));
  const results = await rows<ResultRow>(
    db,
    `SELECT i, outcome, result
     FROM place_orders(CAST(:batch AS json), CAST(:remindersMs AS bigint[]), CAST(:expiryMs AS bigint),
                       CAST(:maxOpen AS integer))`,
    { batch: JSON.stringify(batch), remindersMs: [...remindersMs], expiryMs, maxOpen },
  );
  const outcomes: PlaceOutcome[] = [];
  for (const row of results) {
    if (row.outcome !== 'unresolved') outcomes[row.i] = toOutcome(row);
  }
  for (const i of requests.keys()) {
    if (outcomes[i] === undefined) throw new Error('place_orders left a request without an outcome');
  }
  return outcomes;
}

function toOutcome(row: Exclude<ResultRow, { outcome: 'unresolved' }>): PlaceOutcome {
  switch (row.outcome) {
    case 'created':
    case 'replayed':
      return { outcome: row.outcome, facts: row.result };
    case 'reused':
    case 'mixed_currency':
      return { outcome: row.outcome };
    case 'too_many_open':
      return { outcome: row.outcome, openOrders: row.result };
    case 'unknown_product':
    case 'product_deleted':
    case 'price_changed':
    case 'out_of_stock':
      return { outcome: row.outcome, lines: row.result };
    default:
      return row satisfies never;
  }
}
