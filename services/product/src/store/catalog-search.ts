import { one, type Queryable, rows } from '@punctual/postgres';
import { PRODUCT_COLUMNS, type ProductRow, toProduct } from './product-rows.ts';
import type { CatalogProduct } from './product-store.ts';

const PRODUCTS_WITH_STOCK = 'products p JOIN stock s ON s.product_id = p.id';

/** What a list may be ordered by, each with the id behind it, so that pages neither repeat nor miss a product. */
const SORT_COLUMNS = {
  id: [],
  name: ['p.name'],
  price: ['p.price_minor'],
  created_at: ['p.created_at'],
  quantity: ['s.available'],
} as const;

export type SortField = keyof typeof SORT_COLUMNS;

export type CatalogSearch = {
  /** Found in name or description; case does not matter, and every character stands for itself. */
  text?: string | undefined;
  name?: string | undefined;
  description?: string | undefined;
  minPriceMinor?: number | undefined;
  maxPriceMinor?: number | undefined;
  inStock?: boolean | undefined;
  sort: { field: SortField; descending: boolean };
  limit: number;
  offset: number;
};

/**
 * One page of what matches, and how much matches in all. The page is cut before stock is joined to it, so that a deep
 * page does not look up the stock of everything in front of it.
 */
export async function searchCatalog(
  db: Queryable,
  search: CatalogSearch,
): Promise<{ products: CatalogProduct[]; total: number }> {
  const { where, bindings } = conditionsOf(search);
  const order = orderOf(search.sort);
  const counts = search.inStock === undefined ? 'products p' : PRODUCTS_WITH_STOCK;
  const pages = search.sort.field === 'quantity' ? PRODUCTS_WITH_STOCK : counts;
  const [page, counted] = await Promise.all([
    rows<ProductRow & { available: number }>(
      db,
      `SELECT p.*, s.available
       FROM (SELECT ${PRODUCT_COLUMNS} FROM ${pages} WHERE ${where} ORDER BY ${order} LIMIT :limit OFFSET :offset) p
       JOIN stock s ON s.product_id = p.id ORDER BY ${order}`,
      { ...bindings, limit: search.limit, offset: search.offset },
    ),
    one<{ total: number }>(db, `SELECT count(*) AS total FROM ${counts} WHERE ${where}`, bindings),
  ]);
  return {
    products: page.map(({ available, ...row }) => ({ product: toProduct(row), available })),
    total: counted?.total ?? 0,
  };
}

function conditionsOf(search: CatalogSearch): { where: string; bindings: Record<string, string | number> } {
  const conditions = ['p.deleted_at IS NULL'];
  const bindings: Record<string, string | number> = {};
  const add = (condition: string, key: string, value: string | number): void => {
    conditions.push(condition);
    bindings[key] = value;
  };
  // Every text is looked for in search_text, which has the index; what stands in one column alone is checked after it.
  if (search.text) add('p.search_text LIKE lower(:anywhere)', 'anywhere', containing(search.text));
  if (search.name) {
    add('p.search_text LIKE lower(:inName) AND lower(p.name) LIKE lower(:inName)', 'inName', containing(search.name));
  }
  if (search.description) {
    add(
      'p.search_text LIKE lower(:inDescription) AND lower(p.description) LIKE lower(:inDescription)',
      'inDescription',
      containing(search.description),
    );
  }
  if (search.minPriceMinor !== undefined) add('p.price_minor >= :minPrice', 'minPrice', search.minPriceMinor);
  if (search.maxPriceMinor !== undefined) add('p.price_minor <= :maxPrice', 'maxPrice', search.maxPriceMinor);
  if (search.inStock !== undefined) conditions.push(search.inStock ? 's.available > 0' : 's.available = 0');
  return { where: conditions.join(' AND '), bindings };
}

function orderOf({ field, descending }: CatalogSearch['sort']): string {
  return [...SORT_COLUMNS[field], 'p.id'].map((column) => `${column} ${descending ? 'DESC' : 'ASC'}`).join(', ');
}

/** A LIKE pattern for text that contains this one: %, _ and the escape character itself lose their meaning. */
export function containing(text: string): string {
  return `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`;
}
