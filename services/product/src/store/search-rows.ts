/** What the search index is made of, as the primary has it: products with their stock, deleted ones too. */
import { type Queryable, rows } from '@punctual/postgres';
import type { Product } from '../domain/product.ts';
import { PRODUCT_COLUMNS, type ProductRow, toProduct } from './product-rows.ts';

export type SearchRow = { product: Product; available: number; stockVersion: number };

type Row = ProductRow & { available: number; stock_version: number };

const SELECT = `SELECT ${PRODUCT_COLUMNS}, available, stock_version FROM products JOIN stock ON product_id = id`;

/** One statement, hence one moment: of two answers the later one is the newer in both versions. */
export async function loadSearchRows(db: Queryable, ids: readonly number[]): Promise<SearchRow[]> {
  const found = await rows<Row>(db, `${SELECT} WHERE id = ANY(CAST(:ids AS bigint[]))`, { ids: [...ids] });
  return found.map(toSearchRow);
}

/** The next rows behind an id, in order. */
export async function nextSearchRows(db: Queryable, afterId: number, limit: number): Promise<SearchRow[]> {
  const found = await rows<Row>(db, `${SELECT} WHERE id > :afterId ORDER BY id LIMIT :limit`, { afterId, limit });
  return found.map(toSearchRow);
}

export async function countProducts(db: Queryable): Promise<number> {
  const [row] = await rows<{ products: number }>(db, 'SELECT count(*) AS products FROM products');
  return row?.products ?? 0;
}

function toSearchRow({ available, stock_version, ...row }: Row): SearchRow {
  return { product: toProduct(row), available, stockVersion: stock_version };
}
