import { type Queryable, rows } from '@punctual/postgres';
import { PRODUCT_COLUMNS, type ProductRow, toProduct } from './product-rows.ts';
import type { Available, CatalogProduct } from './product-store.ts';

const PRODUCTS_WITH_STOCK = 'products p JOIN stock s ON s.product_id = p.id';

/** So many matches are counted; of more it is only said that there are more. */
export const COUNTED_EXACTLY = 1_000;

/** Stands between name and description in search_text. */
const SEPARATOR = '\u001f';

/** What a list may be ordered by, each with the id behind it, so that pages neither repeat nor miss a product. */
const SORT_COLUMNS = {
  id: [],
  name: ['p.name'],
  price: ['p.price_minor'],
  created_at: ['p.created_at'],
  // The level never falls while the quantity rises, and has an index, which the quantity itself must not have.
  quantity: ['s.level', 's.available'],
} as const;

export type SortField = keyof typeof SORT_COLUMNS;

export type CatalogSearch = {
  /** Found in name or description; case does not matter, and every character stands for itself. */
  text?: string | undefined;
  /** Each of them is found in name or description, in lower case. */
  words?: readonly string[] | undefined;
  name?: string | undefined;
  description?: string | undefined;
  minPriceMinor?: number | undefined;
  maxPriceMinor?: number | undefined;
  inStock?: boolean | undefined;
  sort: { field: SortField; descending: boolean };
  limit: number;
  offset: number;
};

/** `total` is exact, or the least that there is. */
export type FoundProducts = { products: CatalogProduct[]; total: number; totalIsExact: boolean };

/**
 * One page of what matches, and how much matches in all. A probe looks for one match more than are counted. When it
 * finds no more, it holds all matches, and the page is cut from it; when it does, matches are common, and walking the
 * catalog in the order asked for meets a page of them soon. So neither everything is counted nor everything sorted,
 * whichever words are looked for. Stock is joined to the page alone, unless it decides what is on it.
 */
export async function searchCatalog(db: Queryable, search: CatalogSearch): Promise<FoundProducts> {
  const { where, bindings } = conditionsOf(search);
  const keys = SORT_COLUMNS[search.sort.field];
  const order = orderOf(search.sort);
  const byStock = search.inStock !== undefined || search.sort.field === 'quantity';
  const from = byStock ? PRODUCTS_WITH_STOCK : 'products p';
  const found = await rows<{ matches: number } & (Match | NoMatch)>(
    db,
    `WITH probe AS MATERIALIZED (SELECT ${['p.id', ...keys].join(', ')} FROM ${from} WHERE ${where} LIMIT :probed),
       counted AS MATERIALIZED (SELECT count(*) AS matches FROM probe),
       page AS MATERIALIZED (
         (SELECT id FROM probe WHERE (SELECT matches FROM counted) < :probed
          ORDER BY ${order.replaceAll(/\b[ps]\./g, '')} LIMIT :limit OFFSET :offset)
         UNION ALL
         (SELECT p.id FROM ${from} WHERE ${where} AND (SELECT matches FROM counted) >= :probed
          ORDER BY ${order} LIMIT :limit OFFSET :offset))
     SELECT counted.matches, m.* FROM counted LEFT JOIN (
       SELECT ${PRODUCT_COLUMNS.split(', ')
         .map((column) => `p.${column}`)
         .join(', ')}, s.available, s.stock_version AS "stockVersion", s.level
       FROM page JOIN products p ON p.id = page.id JOIN stock s ON s.product_id = p.id
     ) m ON true
     ORDER BY ${order.replaceAll(/\b[ps]\./g, 'm.')}`,
    // One more than the page holds tells whether there is another page.
    { ...bindings, probed: COUNTED_EXACTLY + 1, limit: search.limit + 1, offset: search.offset },
  );
  const matches = found[0]?.matches ?? 0;
  const products = found.flatMap(({ matches: _, ...row }) => (isMatch(row) ? [toFound(row)] : []));
  const seen = products.length === 0 ? 0 : search.offset + products.length;
  return {
    products: products.slice(0, search.limit),
    total: Math.max(matches, seen),
    totalIsExact: matches <= COUNTED_EXACTLY,
  };
}

type Match = ProductRow & Available & { level: number };
type NoMatch = { id: null };

function isMatch(row: Match | NoMatch): row is Match {
  return row.id !== null;
}

function toFound({ available, stockVersion, level: _, ...row }: Match): CatalogProduct {
  return { product: toProduct(row), available, stockVersion };
}

function conditionsOf(search: CatalogSearch): { where: string; bindings: Record<string, string | number> } {
  const conditions = ['p.deleted_at IS NULL'];
  const bindings: Record<string, string | number> = {};
  const add = (condition: string, key: string, value: string | number): void => {
    conditions.push(condition);
    bindings[key] = value;
  };
  // Every text is looked for in search_text, which has the index.
  if (search.text) add('p.search_text LIKE lower(:anywhere)', 'anywhere', containing(search.text));
  for (const [index, word] of (search.words ?? []).entries()) {
    add(`p.search_text LIKE :word${index}`, `word${index}`, containing(word));
  }
  // The planner can tell from the separator how common a text is in one column. It may stand inside a column as well,
  // so the column is looked at too, by a function that the planner does not take for yet another filter that few pass.
  if (search.name) {
    add('p.search_text LIKE lower(:inName)', 'inName', `${containing(search.name)}${SEPARATOR}%`);
    add('strpos(lower(p.name), lower(:nameText)) > 0', 'nameText', search.name);
  }
  if (search.description) {
    add('p.search_text LIKE lower(:inDescription)', 'inDescription', `%${SEPARATOR}${containing(search.description)}`);
    add('strpos(lower(p.description), lower(:descriptionText)) > 0', 'descriptionText', search.description);
  }
  if (search.minPriceMinor !== undefined) add('p.price_minor >= :minPrice', 'minPrice', search.minPriceMinor);
  if (search.maxPriceMinor !== undefined) add('p.price_minor <= :maxPrice', 'maxPrice', search.maxPriceMinor);
  if (search.inStock !== undefined) conditions.push(search.inStock ? 's.level > 0' : 's.level = 0');
  return { where: conditions.join(' AND '), bindings };
}

function orderOf({ field, descending }: CatalogSearch['sort']): string {
  return [...SORT_COLUMNS[field], 'p.id'].map((column) => `${column} ${descending ? 'DESC' : 'ASC'}`).join(', ');
}

/** A LIKE pattern for text that contains this one: %, _ and the escape character itself lose their meaning. */
export function containing(text: string): string {
  return `%${text.replaceAll(/[\\%_]/g, '\\$&')}%`;
}
