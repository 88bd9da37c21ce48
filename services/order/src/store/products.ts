import { execute, type Queryable } from '@punctual/postgres';
import { latestByProduct, type ProductCopy } from '../domain/product-copy.ts';

/** Brings the projection up to what the copies tell; older news change nothing. One statement, rows by ascending id. */
export async function saveProductCopies(db: Queryable, copies: readonly ProductCopy[]): Promise<void> {
  if (copies.length === 0) return;
  const records = latestByProduct(copies).map((copy) => ({
    product_id: copy.productId,
    version: copy.version,
    name: copy.name,
    price_minor: copy.priceMinor,
    currency: copy.currency,
    deleted: copy.deleted,
    available: copy.available,
    stock_version: copy.stockVersion,
  }));
  await execute(
    db,
    `INSERT INTO products AS known
       (product_id, version, name, price_minor, currency, deleted, available, stock_version)
     SELECT r.* FROM json_to_recordset(CAST(:records AS json))
       AS r (product_id bigint, version integer, name text, price_minor bigint, currency text, deleted boolean,
             available bigint, stock_version bigint)
     ORDER BY r.product_id
     ON CONFLICT (product_id) DO UPDATE SET
       version = greatest(known.version, excluded.version),
       name = CASE WHEN excluded.version > known.version THEN excluded.name ELSE known.name END,
       price_minor = CASE WHEN excluded.version > known.version THEN excluded.price_minor ELSE known.price_minor END,
       currency = CASE WHEN excluded.version > known.version THEN excluded.currency ELSE known.currency END,
       deleted = CASE WHEN excluded.version > known.version THEN excluded.deleted ELSE known.deleted END,
       available = CASE WHEN excluded.stock_version > known.stock_version THEN excluded.available ELSE known.available END,
       stock_version = greatest(known.stock_version, excluded.stock_version)
     WHERE excluded.version > known.version OR excluded.stock_version > known.stock_version`,
    { records: JSON.stringify(records) },
  );
}
