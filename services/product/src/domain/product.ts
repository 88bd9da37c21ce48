/**
 * A product is what its stream of events says it is.
 *
 *   nothing ── product.created ──▶ in the catalog ── product.changed, stock.adjusted ──▶ in the catalog
 *                                       └─ product.deleted ──▶ deleted, for good
 *
 * The version counts the events: the first is 1. Orders that hold pieces of a deleted product keep them.
 */

/** The most pieces that adjustments may ever have brought in, so that no sum leaves the safe integers. */
export const MAX_STOCKED = 1_000_000_000_000;

/** What the catalog says of a product. */
export type CatalogEntry = {
  name: string;
  description: string;
  /** Minor units of the currency. */
  price_minor: number;
  currency: string;
};

/** What happened, under the names in which it is kept. */
export type ProductFact =
  | { type: 'product.created'; data: CatalogEntry & { quantity: number } }
  | { type: 'product.changed'; data: Partial<CatalogEntry> }
  | { type: 'stock.adjusted'; data: { change: number; reason: string } }
  | { type: 'product.deleted'; data: Record<string, never> };

export type ProductEvent = ProductFact & {
  productId: number;
  version: number;
  /** Who did it: `user:17`, `seed`. */
  actor: string;
  at: Date;
};

export type Product = CatalogEntry & {
  id: number;
  /** Pieces that adjustments have brought in: available, reserved and sold ones together. */
  stocked: number;
  version: number;
  createdAt: Date;
  updatedAt: Date;
  deletedAt: Date | null;
};

/** Which version a change is based on: one of those named, or whatever is there. */
export type Expected = 'any' | readonly number[];

export type Origin = { actor: string; at: Date };

/** Why a change is not made. */
export type Refusal =
  | { code: 'NOT_FOUND'; productId: number }
  | { code: 'VERSION_CONFLICT'; productId: number; currentVersion: number }
  | { code: 'OUT_OF_STOCK'; productId: number; available: number; change: number }
  | { code: 'STOCK_LIMIT'; productId: number; stocked: number; limit: number };

export class ProductRefused extends Error {
  readonly refusal: Refusal;

  constructor(refusal: Refusal) {
    super(`product ${refusal.productId}: ${refusal.code}`);
    this.name = 'ProductRefused';
    this.refusal = refusal;
  }
}

/** A stream that no sequence of decisions can have written. */
export class BrokenStream extends Error {
  constructor(productId: number, reason: string) {
    super(`the stream of product ${productId} is broken: ${reason}`);
    this.name = 'BrokenStream';
  }
}

/** The state after one more event. Throws BrokenStream when the event cannot follow. */
export function evolve(state: Product | undefined, event: ProductEvent): Product {
  const expected = (state?.version ?? 0) + 1;
  if (event.version !== expected) {
    throw new BrokenStream(event.productId, `version ${event.version} stands where ${expected} belongs`);
  }
  if (event.type === 'product.created') {
    if (state !== undefined) throw new BrokenStream(event.productId, 'it is created twice');
    const { quantity, ...entry } = event.data;
    return {
      id: event.productId,
      ...entry,
      stocked: quantity,
      version: event.version,
      createdAt: event.at,
      updatedAt: event.at,
      deletedAt: null,
    };
  }
  if (state === undefined) throw new BrokenStream(event.productId, `${event.type} comes before product.created`);
  if (state.deletedAt !== null) throw new BrokenStream(event.productId, `${event.type} comes after product.deleted`);
  const next = { ...state, version: event.version, updatedAt: event.at };
  switch (event.type) {
    case 'product.changed':
      return { ...next, ...event.data };
    case 'stock.adjusted':
      return { ...next, stocked: state.stocked + event.data.change };
    case 'product.deleted':
      return { ...next, deletedAt: event.at };
    default:
      return unknownEvent(event);
  }
}

export function createProduct(id: number, entry: CatalogEntry & { quantity: number }, origin: Origin): ProductEvent {
  return { type: 'product.created', data: entry, productId: id, version: 1, ...origin };
}

/** The change as an event that names only what differs; undefined when nothing does. */
export function changeProduct(
  product: Product,
  changes: Partial<CatalogEntry>,
  expected: Expected,
  origin: Origin,
): ProductEvent | undefined {
  requireLive(product);
  requireVersion(product, expected);
  const data = differences(product, changes);
  if (Object.keys(data).length === 0) return undefined;
  return { type: 'product.changed', data, ...next(product), ...origin };
}

/** Whether enough pieces are available is the stock's to say; this knows only what was ever brought in. */
export function adjustStock(product: Product, data: { change: number; reason: string }, origin: Origin): ProductEvent {
  requireLive(product);
  const stocked = product.stocked + data.change;
  if (stocked > MAX_STOCKED) {
    throw new ProductRefused({ code: 'STOCK_LIMIT', productId: product.id, stocked, limit: MAX_STOCKED });
  }
  return { type: 'stock.adjusted', data, ...next(product), ...origin };
}

export function deleteProduct(product: Product, expected: Expected, origin: Origin): ProductEvent {
  requireLive(product);
  requireVersion(product, expected);
  return { type: 'product.deleted', data: {}, ...next(product), ...origin };
}

function requireLive(product: Product): void {
  if (product.deletedAt !== null) throw new ProductRefused({ code: 'NOT_FOUND', productId: product.id });
}

function requireVersion(product: Product, expected: Expected): void {
  if (expected === 'any' || expected.includes(product.version)) return;
  throw new ProductRefused({ code: 'VERSION_CONFLICT', productId: product.id, currentVersion: product.version });
}

function differences(product: Product, changes: Partial<CatalogEntry>): Partial<CatalogEntry> {
  const { name, description, price_minor, currency } = changes;
  return {
    ...(name === undefined || name === product.name ? {} : { name }),
    ...(description === undefined || description === product.description ? {} : { description }),
    ...(price_minor === undefined || price_minor === product.price_minor ? {} : { price_minor }),
    ...(currency === undefined || currency === product.currency ? {} : { currency }),
  };
}

function next(product: Product): { productId: number; version: number } {
  return { productId: product.id, version: product.version + 1 };
}

function unknownEvent(event: never): never {
  throw new Error(`unknown product event ${JSON.stringify(event)}`);
}
