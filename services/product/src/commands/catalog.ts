import { setTimeout as delay } from 'node:timers/promises';
import { addToOutbox, type OutboxMessage } from '@punctual/messaging';
import type { Database, Transaction } from '@punctual/postgres';
import type { Metrics } from '@punctual/telemetry';
import {
  type CatalogEntry,
  adjustStock as decideAdjustment,
  changeProduct as decideChange,
  createProduct as decideCreation,
  deleteProduct as decideDeletion,
  type Expected,
  evolve,
  type Origin,
  type Product,
  type ProductEvent,
  ProductRefused,
} from '../domain/product.ts';
import {
  type Available,
  appendEvent,
  type CatalogProduct,
  loadAvailable,
  loadProduct,
  moveStock,
  nextProductId,
  openStock,
  upsertProducts,
} from '../store/product-store.ts';
import { productDeleted, productState } from './outgoing-events.ts';

export { type Expected, ProductRefused, type Refusal } from '../domain/product.ts';
export type { CatalogProduct } from '../store/product-store.ts';

/** Of writers that change one product at the same time one succeeds in each round, so this many may meet. */
const MAX_ATTEMPTS = 30;
const RETRY_STEP_MS = 5;

export type Catalog = {
  db: Database;
  clock: () => Date;
  /** Called after a commit that wrote outbox rows. */
  wake: () => void;
  appended: { inc(labels: { type: string }): void };
};

export function createCatalog({ metrics, ...rest }: Omit<Catalog, 'appended'> & { metrics: Metrics }): Catalog {
  const appended = metrics.counter({
    name: 'product_events_appended_total',
    help: 'Events appended to product streams and brought into the projection',
    labelNames: ['type'],
  });
  return { ...rest, appended };
}

/** Adds a product at version 1. */
export async function createProduct(
  catalog: Catalog,
  entry: CatalogEntry & { quantity: number },
  actor: string,
): Promise<CatalogProduct> {
  const event = decideCreation(await nextProductId(catalog.db.primary), entry, originOf(catalog, actor));
  const created = await record(catalog, undefined, event);
  if (created === undefined) throw new Error(`the sequence gave product ${event.productId} twice`);
  return created;
}

/** Throws ProductRefused (NOT_FOUND, VERSION_CONFLICT). A change that changes nothing writes nothing. */
export async function changeProduct(
  catalog: Catalog,
  change: { id: number; changes: Partial<CatalogEntry>; expected: Expected },
  actor: string,
): Promise<CatalogProduct> {
  return await decideAndRecord(catalog, change.id, (product) =>
    decideChange(product, change.changes, change.expected, originOf(catalog, actor)),
  );
}

/**
 * Adds pieces, or takes away pieces that are neither reserved nor sold. Adjustments commute, so they need no version.
 * Throws ProductRefused (NOT_FOUND, OUT_OF_STOCK, STOCK_LIMIT).
 */
export async function adjustStock(
  catalog: Catalog,
  { id, ...adjustment }: { id: number; change: number; reason: string },
  actor: string,
): Promise<CatalogProduct> {
  return await decideAndRecord(catalog, id, (product) =>
    decideAdjustment(product, adjustment, originOf(catalog, actor)),
  );
}

/** Throws ProductRefused (NOT_FOUND, VERSION_CONFLICT). Pieces that orders hold stay theirs. */
export async function deleteProduct(
  catalog: Catalog,
  target: { id: number; expected: Expected },
  actor: string,
): Promise<void> {
  await decideAndRecord(catalog, target.id, (product) =>
    decideDeletion(product, target.expected, originOf(catalog, actor)),
  );
}

/**
 * Loads, decides and records; again from the start when another writer was faster, so that the decision is made on
 * what is there. The load needs no lock: the version in the primary key of product_events refuses what is outdated.
 */
async function decideAndRecord(
  catalog: Catalog,
  id: number,
  decide: (product: Product) => ProductEvent | undefined,
): Promise<CatalogProduct> {
  for (let attempt = 1; ; attempt += 1) {
    const product = await loadProduct(catalog.db.primary, id);
    if (product === undefined) throw new ProductRefused({ code: 'NOT_FOUND', productId: id });
    const event = decide(product);
    if (event === undefined) {
      return { product, ...(await loadAvailable(catalog.db.primary, id)) };
    }
    const recorded = await record(catalog, product, event);
    if (recorded !== undefined) return recorded;
    if (attempt === MAX_ATTEMPTS) {
      throw new ProductRefused({ code: 'VERSION_CONFLICT', productId: id, currentVersion: event.version });
    }
    await delay(Math.random() * RETRY_STEP_MS * attempt);
  }
}

/** Event, stock, projection and outbox together; undefined when the version was used by another writer. */
async function record(
  catalog: Catalog,
  before: Product | undefined,
  event: ProductEvent,
): Promise<CatalogProduct | undefined> {
  const product = evolve(before, event);
  const recorded = await catalog.db.transaction(async (tx) => {
    if (!(await appendEvent(tx, event))) return undefined;
    const available = await applyToStock(tx, event);
    await upsertProducts(tx, 'products', [product]);
    await addToOutbox(tx, [announcement(event, product, available)]);
    return { product, ...available };
  });
  if (recorded !== undefined) {
    catalog.appended.inc({ type: event.type });
    catalog.wake();
  }
  return recorded;
}

async function applyToStock(tx: Transaction, event: ProductEvent): Promise<Available> {
  const { productId } = event;
  if (event.type === 'product.created') return await openStock(tx, productId, event.data.quantity);
  if (event.type !== 'stock.adjusted') return await loadAvailable(tx, productId);
  const { change } = event.data;
  const moved = await moveStock(tx, productId, change);
  if (moved !== undefined) return moved;
  const { available } = await loadAvailable(tx, productId);
  throw new ProductRefused({ code: 'OUT_OF_STOCK', productId, available, change });
}

function announcement(event: ProductEvent, product: Product, available: Available): OutboxMessage {
  switch (event.type) {
    case 'product.created':
      return productState('product.created', product, available);
    case 'product.changed':
    case 'stock.adjusted':
      return productState('product.updated', product, available);
    case 'product.deleted':
      return productDeleted(product, event.at);
    default:
      return unknownEvent(event);
  }
}

function originOf(catalog: Catalog, actor: string): Origin {
  return { actor, at: catalog.clock() };
}

function unknownEvent(event: never): never {
  throw new Error(`unknown product event ${JSON.stringify(event)}`);
}
