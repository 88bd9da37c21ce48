/**
 * The SQL of a rebuild: a copy of the projection, `products_next`, that is filled from the events while the live one
 * goes on, and then takes its place. Its indexes are those of the live table, so a migration that adds one needs no
 * change here; they carry the suffix until the names are free.
 */
import { one, type Queryable, rows, type Transaction } from '@punctual/postgres';
import type { ProductEvent } from '../domain/product.ts';
import { EVENT_COLUMNS, type EventRow, PRODUCT_COLUMNS, toEvent } from './product-rows.ts';

const SUFFIX = '_next';
const COMPARED_COLUMNS = PRODUCT_COLUMNS.split(', ').filter((column) => column !== 'id');

/** Where live and rebuilt differ; `missing` and `surplus` tell of the live projection. */
export type Difference = { productId: number; fields: string[] };

type IndexDefinition = { name: string; definition: string; primary: boolean };

/** An empty copy with its primary key; one that a killed run has left goes first. */
export async function createCopy(tx: Transaction): Promise<void> {
  await tx.raw('DROP TABLE IF EXISTS products_next');
  await tx.raw('CREATE TABLE products_next (LIKE products INCLUDING ALL EXCLUDING INDEXES)');
  for (const { column, target } of await statisticsTargets(tx)) {
    await tx.raw(`ALTER TABLE products_next ALTER COLUMN ${column} SET STATISTICS ${target}`);
  }
  const { name, definition } = await primaryKey(tx);
  await tx.raw(renamed(definition, name));
  await tx.raw(`ALTER TABLE products_next ADD CONSTRAINT ${name}${SUFFIX} PRIMARY KEY USING INDEX ${name}${SUFFIX}`);
}

export async function dropCopy(db: Queryable): Promise<void> {
  await db.raw('DROP TABLE IF EXISTS products_next');
}

/** Builds the other indexes of the live table on the copy, and its statistics. */
export async function finishCopy(tx: Transaction): Promise<void> {
  for (const { name, definition, primary } of await indexesOf(tx)) {
    if (!primary) await tx.raw(renamed(definition, name));
  }
  await tx.raw('ANALYZE products_next');
}

/**
 * Puts the copy in the place of the live table; the caller keeps writers out. Readers wait for it, and read the new
 * table then.
 */
export async function swapInCopy(tx: Transaction): Promise<void> {
  const names = (await indexesOf(tx)).map((index) => index.name);
  await tx.raw('DROP TABLE products');
  await tx.raw('ALTER TABLE products_next RENAME TO products');
  for (const name of names) await tx.raw(`ALTER INDEX ${name}${SUFFIX} RENAME TO ${name}`);
}

/** Lets no event be appended until the transaction ends. Fails when writers do not make way within `lockTimeoutMs`. */
export async function lockOutWriters(tx: Transaction, lockTimeoutMs: number): Promise<void> {
  await tx.raw(`SET LOCAL lock_timeout = '${lockTimeoutMs}ms'`);
  await tx.raw('LOCK TABLE product_events IN SHARE MODE');
}

/** Everything below it is finished: what a later read does not show has a transaction at or above it. */
export async function horizon(db: Queryable): Promise<string> {
  const row = await one<{ xmin: string }>(db, 'SELECT CAST(pg_snapshot_xmin(pg_current_snapshot()) AS text) AS xmin');
  if (row === undefined) throw new Error('the database told no horizon');
  return row.xmin;
}

export async function countStreams(db: Queryable): Promise<number> {
  const row = await one<{ streams: number }>(db, 'SELECT count(DISTINCT product_id) AS streams FROM product_events');
  return row?.streams ?? 0;
}

/** The next products behind the given one that have a stream, by id. */
export async function nextStreams(db: Queryable, afterId: number, limit: number): Promise<number[]> {
  const found = await rows<{ id: number }>(
    db,
    `SELECT product_id AS id FROM product_events WHERE product_id > :afterId
     GROUP BY product_id ORDER BY product_id LIMIT :limit`,
    { afterId, limit },
  );
  return found.map(({ id }) => id);
}

/** The products with events that a read begun after `since` was taken may have missed; at most `limit`. */
export async function changedSince(db: Queryable, since: string, limit: number): Promise<number[]> {
  const found = await rows<{ id: number }>(
    db,
    'SELECT DISTINCT product_id AS id FROM product_events WHERE tx >= CAST(:since AS xid8) LIMIT :limit',
    { since, limit },
  );
  return found.map(({ id }) => id);
}

/** The whole streams of these products, each in order. */
export async function loadStreams(db: Queryable, productIds: readonly number[]): Promise<ProductEvent[]> {
  const found = await rows<EventRow>(
    db,
    `SELECT ${EVENT_COLUMNS} FROM product_events WHERE product_id = ANY(CAST(:productIds AS bigint[]))
     ORDER BY product_id, version`,
    { productIds: [...productIds] },
  );
  return found.map(toEvent);
}

/** Where live and copy differ: everywhere, or among the given products. */
export async function compareWithCopy(db: Queryable, productIds?: readonly number[]): Promise<Difference[]> {
  const fields = COMPARED_COLUMNS.map(
    (column) => `CASE WHEN l.${column} IS DISTINCT FROM n.${column} THEN '${column}' END`,
  );
  const source =
    productIds === undefined
      ? 'products l FULL JOIN products_next n ON n.id = l.id'
      : `unnest(CAST(:productIds AS bigint[])) AS wanted(id)
         LEFT JOIN products l ON l.id = wanted.id LEFT JOIN products_next n ON n.id = wanted.id`;
  return await rows<Difference>(
    db,
    `SELECT coalesce(l.id, n.id) AS "productId",
       CASE WHEN l.id IS NULL THEN ARRAY['missing'] WHEN n.id IS NULL THEN ARRAY['surplus']
         ELSE array_remove(ARRAY[${fields.join(', ')}], NULL) END AS fields
     FROM ${source}
     WHERE (l.id IS NOT NULL OR n.id IS NOT NULL) AND (l.id IS NULL OR n.id IS NULL
       OR (${COMPARED_COLUMNS.map((c) => `l.${c}`).join(', ')}) IS DISTINCT FROM (${COMPARED_COLUMNS.map((c) => `n.${c}`).join(', ')}))
     ORDER BY 1`,
    productIds === undefined ? {} : { productIds: [...productIds] },
  );
}

export type StockProblem = {
  productId: number;
  stocked: number | null;
  available: number | null;
  reserved: number | null;
  sold: number | null;
  /** What the reservations add up to. */
  reservedByOrders: number;
  soldByOrders: number;
};

/** The products whose stock does not add up to what was stocked, or not to what orders hold. One statement, so one snapshot. */
export async function findStockProblems(db: Queryable): Promise<StockProblem[]> {
  return await rows<StockProblem>(
    db,
    `SELECT coalesce(s.product_id, p.id, l.product_id) AS "productId", p.stocked, s.available, s.reserved, s.sold,
       coalesce(l.reserved, 0) AS "reservedByOrders", coalesce(l.sold, 0) AS "soldByOrders"
     FROM stock s FULL JOIN products p ON p.id = s.product_id
     FULL JOIN (
       SELECT product_id, CAST(coalesce(sum(quantity) FILTER (WHERE state = 'reserved'), 0) AS bigint) AS reserved,
         CAST(coalesce(sum(quantity) FILTER (WHERE state = 'sold'), 0) AS bigint) AS sold
       FROM reservation_lines WHERE state IN ('reserved', 'sold') GROUP BY product_id
     ) l ON l.product_id = coalesce(s.product_id, p.id)
     WHERE (s.available + s.reserved + s.sold) IS DISTINCT FROM p.stocked
       OR s.reserved IS DISTINCT FROM coalesce(l.reserved, 0) OR s.sold IS DISTINCT FROM coalesce(l.sold, 0)
     ORDER BY 1`,
  );
}

/** LIKE does not copy how many samples ANALYZE keeps of a column. */
async function statisticsTargets(db: Queryable): Promise<{ column: string; target: number }[]> {
  return await rows<{ column: string; target: number }>(
    db,
    `SELECT quote_ident(attname) AS column, attstattarget AS target FROM pg_attribute
     WHERE attrelid = 'products'::regclass AND attnum > 0 AND NOT attisdropped AND attstattarget >= 0`,
  );
}

async function primaryKey(db: Queryable): Promise<IndexDefinition> {
  const found = (await indexesOf(db)).find((index) => index.primary);
  if (found === undefined) throw new Error('products has no primary key');
  return found;
}

async function indexesOf(db: Queryable): Promise<IndexDefinition[]> {
  return await rows<IndexDefinition>(
    db,
    `SELECT c.relname AS name, pg_get_indexdef(i.indexrelid) AS definition, i.indisprimary AS primary
     FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
     WHERE i.indrelid = 'products'::regclass ORDER BY c.relname`,
  );
}

/** `CREATE INDEX name ON public.products …` → the same for the copy. */
function renamed(definition: string, name: string): string {
  const match = /^(CREATE (?:UNIQUE )?INDEX )(\S+)( ON (?:\S+\.)?)products( .*)$/s.exec(definition);
  if (match === null || match[2] !== name) throw new Error(`cannot copy the index: ${definition}`);
  return `${match[1]}${name}${SUFFIX}${match[3]}products_next${match[4]}`;
}
