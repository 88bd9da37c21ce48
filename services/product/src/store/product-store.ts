import { execute, one, type Queryable, rows, type Transaction } from '@punctual/postgres';
import type { Product, ProductEvent } from '../domain/product.ts';
import type { Stock } from '../domain/stock.ts';
import {
  EVENT_COLUMNS,
  type EventRow,
  PRODUCT_COLUMNS,
  type ProductRow,
  toEvent,
  toProduct,
  toProductRow,
} from './product-rows.ts';

/** What can still be ordered, and which change of the stock row left it so. */
export type Available = Pick<Stock, 'available' | 'stockVersion'>;
export type CatalogProduct = { product: Product } & Available;

export async function nextProductId(db: Queryable): Promise<number> {
  const row = await one<{ id: number }>(db, `SELECT nextval('product_ids') AS id`);
  if (row === undefined) throw new Error('a sequence gave no value');
  return row.id;
}

/** The product as the projection has it, deleted or not. */
export async function loadProduct(db: Queryable, id: number): Promise<Product | undefined> {
  const row = await one<ProductRow>(db, `SELECT ${PRODUCT_COLUMNS} FROM products WHERE id = :id`, { id });
  return row === undefined ? undefined : toProduct(row);
}

/** A product that is in the catalog, with what can be ordered of it. */
export async function findInCatalog(db: Queryable, id: number): Promise<CatalogProduct | undefined> {
  const row = await one<StockedRow>(db, `${SELECT_WITH_STOCK} WHERE id = :id AND deleted_at IS NULL`, { id });
  return row === undefined ? undefined : toCatalogProduct(row);
}

/** Those of the products that there are or were, by ascending id. */
export async function findProducts(db: Queryable, ids: readonly number[]): Promise<CatalogProduct[]> {
  const found = await rows<StockedRow>(db, `${SELECT_WITH_STOCK} WHERE id = ANY(CAST(:ids AS bigint[])) ORDER BY id`, {
    ids: [...ids],
  });
  return found.map(toCatalogProduct);
}

type StockedRow = ProductRow & Available;
const SELECT_WITH_STOCK = `SELECT ${PRODUCT_COLUMNS}, available, stock_version AS "stockVersion"
  FROM products JOIN stock ON product_id = id`;

function toCatalogProduct({ available, stockVersion, ...row }: StockedRow): CatalogProduct {
  return { product: toProduct(row), available, stockVersion };
}

/** One page of a product's stream, oldest first, with the length of the whole; empty when there never was such a product. */
export async function loadStream(
  db: Queryable,
  id: number,
  { limit, offset }: { limit: number; offset: number },
): Promise<{ events: ProductEvent[]; total: number }> {
  const found = await rows<EventRow & { total: number }>(
    db,
    `SELECT ${EVENT_COLUMNS}, (SELECT max(version) FROM product_events WHERE product_id = :id) AS total
     FROM product_events WHERE product_id = :id ORDER BY version LIMIT :limit OFFSET :offset`,
    { id, limit, offset },
  );
  const total = found[0]?.total ?? (await streamLength(db, id));
  return { events: found.map(({ total: _, ...row }) => toEvent(row)), total };
}

async function streamLength(db: Queryable, id: number): Promise<number> {
  const row = await one<{ length: number | null }>(
    db,
    'SELECT max(version) AS length FROM product_events WHERE product_id = :id',
    { id },
  );
  return row?.length ?? 0;
}

/**
 * Appends the event; false when another writer has used the version, and then nothing is written.
 *
 * It is the first write of its transaction: a rebuild that swaps the projection keeps writers out by a lock on
 * product_events, and a writer that waits for it must not hold anything of the projection.
 */
export async function appendEvent(tx: Transaction, event: ProductEvent): Promise<boolean> {
  const inserted = await execute(
    tx,
    `INSERT INTO product_events (product_id, version, type, data, actor, at)
     VALUES (:productId, :version, :type, :data, :actor, :at) ON CONFLICT (product_id, version) DO NOTHING`,
    { ...event, data: JSON.stringify(event.data) },
  );
  return inserted === 1;
}

/** Brings rows of the projection, or of the one that will replace it, to the given states. */
export async function upsertProducts(
  db: Queryable,
  table: 'products' | 'products_next',
  products: readonly Product[],
): Promise<void> {
  await execute(
    db,
    `INSERT INTO ${table} (${PRODUCT_COLUMNS})
     SELECT ${PRODUCT_COLUMNS} FROM jsonb_populate_recordset(NULL::${table}, CAST(:list AS jsonb))
     ON CONFLICT (id) DO UPDATE SET
       name = excluded.name, description = excluded.description, price_minor = excluded.price_minor,
       currency = excluded.currency, stocked = excluded.stocked, version = excluded.version,
       created_at = excluded.created_at, updated_at = excluded.updated_at, deleted_at = excluded.deleted_at`,
    { list: JSON.stringify(products.map(toProductRow)) },
  );
}

export async function openStock(tx: Transaction, productId: number, quantity: number): Promise<Available> {
  await execute(
    tx,
    'INSERT INTO stock (product_id, available, reserved, sold, stock_version) VALUES (:productId, :quantity, 0, 0, 1)',
    { productId, quantity },
  );
  return { available: quantity, stockVersion: 1 };
}

/** Undefined when fewer pieces are available than are to be taken away; nothing is changed then. */
export async function moveStock(tx: Transaction, productId: number, change: number): Promise<Available | undefined> {
  return await one<Available>(
    tx,
    `UPDATE stock SET available = available + CAST(:change AS bigint), stock_version = stock_version + 1
     WHERE product_id = :productId AND available + CAST(:change AS bigint) >= 0
     RETURNING available, stock_version AS "stockVersion"`,
    { productId, change },
  );
}

export async function loadAvailable(db: Queryable, productId: number): Promise<Available> {
  const row = await one<Available>(
    db,
    'SELECT available, stock_version AS "stockVersion" FROM stock WHERE product_id = :productId',
    { productId },
  );
  if (row === undefined) throw new Error(`product ${productId} has no stock row`);
  return row;
}

/** Which of these names are taken, also by deleted products: what an admin has deleted is not to come back. */
export async function existingNames(db: Queryable, names: readonly string[]): Promise<Set<string>> {
  const found = await rows<{ name: string }>(
    db,
    'SELECT DISTINCT name FROM products WHERE name = ANY(CAST(:names AS text[]))',
    {
      names: [...names],
    },
  );
  return new Set(found.map(({ name }) => name));
}
