import { formatMoney, type productApi } from '@punctual/contracts';
import type { Database } from '@punctual/postgres';
import { type CatalogSearch, type SortField, searchCatalog } from '../store/catalog-search.ts';
import { findInCatalog, loadStream } from '../store/product-store.ts';
import { toProductView } from './product-view.ts';

export type ListQuery = Omit<CatalogSearch, 'sort' | 'limit' | 'offset'> & {
  /** A field, with a minus in front for descending. */
  sort: string;
  page: number;
  limit: number;
};

export type Page<T> = { items: T[]; totalItems: number; totalIsExact: boolean };

export type ProductEventView = {
  product_id: number;
  version: number;
  type: string;
  data: Record<string, unknown>;
  actor: string;
  at: string;
};

/** Asked of the replica: what was changed a moment ago may be missing. */
export async function listProducts(db: Database, query: ListQuery): Promise<Page<productApi.ProductView>> {
  const { sort, page, limit, ...filters } = query;
  const found = await searchCatalog(db.replica, {
    ...filters,
    sort: parseSort(sort),
    limit,
    offset: (page - 1) * limit,
  });
  return { items: found.products.map(toProductView), totalItems: found.total, totalIsExact: found.totalIsExact };
}

/** Asked of the primary, so that nobody sees less than their own last answer; undefined when it is not in the catalog. */
export async function getProduct(db: Database, id: number): Promise<productApi.ProductView | undefined> {
  const found = await findInCatalog(db.primary, id);
  return found === undefined ? undefined : toProductView(found);
}

/** Also of deleted products; undefined when there never was such a product. */
export async function listProductEvents(
  db: Database,
  query: { id: number; page: number; limit: number },
): Promise<Page<ProductEventView> | undefined> {
  const { id, page, limit } = query;
  const { events, total } = await loadStream(db.primary, id, { limit, offset: (page - 1) * limit });
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
