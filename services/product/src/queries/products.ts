import { formatMoney } from '@punctual/contracts';
import type { Database } from '@punctual/postgres';
import { type CatalogSearch, type SortField, searchCatalog } from '../store/catalog-search.ts';
import { type CatalogProduct, findInCatalog, findProducts, loadStream } from '../store/product-store.ts';

export type { CatalogProduct } from '../store/product-store.ts';

export type ListQuery = Omit<CatalogSearch, 'sort'> & {
  /** A field, with a minus in front for descending. */
  sort: string;
};

/** One window of a list, and how much there is in all. */
export type Found<T> = { items: T[]; totalItems: number; totalIsExact: boolean };

export type ProductEventView = {
  product_id: number;
  version: number;
  type: string;
  data: Record<string, unknown>;
  actor: string;
  at: string;
};

/** Asked of the replica: what was changed a moment ago may be missing. */
export async function listProducts(db: Database, query: ListQuery): Promise<Found<CatalogProduct>> {
  const { products, total, totalIsExact } = await searchCatalog(db.replica, { ...query, sort: parseSort(query.sort) });
  return { items: products, totalItems: total, totalIsExact };
}

/** Asked of the primary, so that nobody sees less than their own last answer; undefined when it is not in the catalog. */
export function getProduct(db: Database, id: number): Promise<CatalogProduct | undefined> {
  return findInCatalog(db.primary, id);
}

/** Those of the products that there are or were, as the primary has them. */
export function batchGetProducts(db: Database, ids: readonly number[]): Promise<CatalogProduct[]> {
  return findProducts(db.primary, ids);
}

/** Also of deleted products; undefined when there never was such a product. */
export async function listProductEvents(
  db: Database,
  { id, ...window }: { id: number; limit: number; offset: number },
): Promise<Found<ProductEventView> | undefined> {
  const { events, total } = await loadStream(db.primary, id, window);
  if (total === 0) return undefined;
  const items = events.map(({ productId, version, type, data, actor, at }) => ({
    product_id: productId,
    version,
    type,
    data: withMoneyAsText(data),
    actor,
    at: at.toISOString(),
  }));
  return { items, totalItems: total, totalIsExact: true };
}

function parseSort(sort: string): { field: SortField; descending: boolean } {
  const descending = sort.startsWith('-');
  const field = descending ? sort.slice(1) : sort;
  if (!isSortField(field)) throw new Error(`no sort field ${field}`);
  return { field, descending };
}

const SORT_FIELDS: readonly string[] = ['id', 'name', 'price', 'created_at', 'quantity'] satisfies SortField[];

function isSortField(field: string): field is SortField {
  return SORT_FIELDS.includes(field);
}

/** Minor units stay inside; outside an amount is a decimal string. */
function withMoneyAsText({ price_minor, ...data }: Record<string, unknown>): Record<string, unknown> {
  return typeof price_minor === 'number' ? { ...data, price: formatMoney(price_minor) } : data;
}
