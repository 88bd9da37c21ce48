/**
 * The search of the catalog by Postgres, for when OpenSearch is away or not there. Words are looked for as they are,
 * anywhere in name and description; only when nothing has them all, words that resemble one of them (pg_trgm) are. Its cost is
 * bounded: a probe takes so many matches at most, ranks and counts those, and each statement has a time limit. What matches
 * more often is listed in full by `searchCatalog`, without a rank, and its facets are those of the probe.
 */
import { type Database, one, type Queryable, rows, SQLSTATE, sqlState, type Transaction } from '@punctual/postgres';
import {
  type CatalogAnswer,
  type CatalogFacets,
  type CatalogHit,
  type CatalogQuestion,
  type NameSuggestion,
  PRICE_RANGES,
} from '../domain/catalog-question.ts';
import { excerpt, highlight, wordsOf } from '../domain/highlight.ts';
import { COUNTED_EXACTLY, containing, searchCatalog } from './catalog-search.ts';
import { PRODUCT_COLUMNS, type ProductRow, toProduct } from './product-rows.ts';

const STATEMENT_TIMEOUT_MS = 1_500;
/** How much of a word's letter triples must be in a text for the two to resemble each other: 0.43 is `lapotp` in `laptop`. */
const SIMILARITY = 0.4;
/** Shorter words have no triples of their own. */
const LEAST_SIMILAR_LENGTH = 3;
const PROBED = COUNTED_EXACTLY + 1;
const PROBED_NAMES = 200;

type Match = 'as they are' | 'alike';

/** Nothing was found in time, and nobody else is left to ask. */
class SearchTooSlow extends Error {
  override readonly name = 'SearchTooSlow';
  readonly code = 'UNAVAILABLE';
  readonly retryable = true;
  readonly dependency = 'search';
}

export async function searchInPostgres(db: Database, question: CatalogQuestion): Promise<CatalogAnswer> {
  const words = wordsOf(question.text ?? '');
  const exact = await bounded(db, (tx) => searchBy(tx, question, words, 'as they are'));
  if (exact.probed > 0 || !words.some(canBeAlike)) return exact.answer;
  const alike = await unlessTooLong(bounded(db, (tx) => searchBy(tx, question, words, 'alike')));
  return alike?.answer ?? exact.answer;
}

export async function suggestInPostgres(db: Database, text: string, limit: number): Promise<NameSuggestion[]> {
  const typed = text.toLowerCase();
  const names = await bounded(db, (tx) => namesWith(tx, typed, limit));
  if (names.length > 0 || !canBeAlike(typed)) return names;
  return (await unlessTooLong(bounded(db, (tx) => namesLike(tx, typed, limit)))) ?? names;
}

async function searchBy(
  tx: Transaction,
  question: CatalogQuestion,
  words: readonly string[],
  match: Match,
): Promise<{ probed: number; answer: CatalogAnswer }> {
  const found = await probe(tx, question, words, match);
  // Few enough to know all of them; or alike, where everybody's cost grows with the number.
  if (found.probed < PROBED || match === 'alike') {
    const hits = await loadHits(tx, found.ids, words);
    const totalIsExact = found.probed < PROBED;
    return { probed: found.probed, answer: { hits, total: found.matches, totalIsExact, facets: found.facets } };
  }
  const { text: _, sort, ...filters } = question;
  const { field, descending } = sort;
  const listed = await searchCatalog(tx, {
    ...filters,
    words,
    sort: { field: field === 'relevance' ? 'id' : field, descending },
  });
  const hits = await loadHits(
    tx,
    listed.products.map(({ product }) => product.id),
    words,
  );
  const { total, totalIsExact } = listed;
  return { probed: found.probed, answer: { hits, total, totalIsExact, facets: found.facets } };
}

type Probe = { probed: number; matches: number; ids: number[]; facets: CatalogFacets };

async function probe(tx: Queryable, question: CatalogQuestion, words: readonly string[], match: Match): Promise<Probe> {
  const { minPriceMinor = 0, maxPriceMinor = Number.MAX_SAFE_INTEGER, inStock } = question;
  const bounds = PRICE_RANGES.flatMap(({ fromMinor }) => fromMinor ?? []);
  const inRange = (range: number): string =>
    `count(*) FILTER (WHERE stock_fits AND width_bucket(price_minor, CAST(:bounds AS bigint[])) = ${range})`;
  const row = await one<{
    probed: number;
    matches: number;
    ids: number[];
    counts: number[];
    inStock: number;
    outOfStock: number;
  }>(
    tx,
    `WITH probe AS MATERIALIZED (
       SELECT p.id, p.name, p.search_text, p.price_minor, p.created_at, s.available
       FROM products p JOIN stock s ON s.product_id = p.id
       WHERE p.deleted_at IS NULL AND ${textCondition(words, match)}
       LIMIT :probed),
     judged AS MATERIALIZED (
       SELECT *, price_minor BETWEEN :minPrice AND :maxPrice AS price_fits, ${stockCondition(inStock)} AS stock_fits FROM probe),
     page AS (
       SELECT id, row_number() OVER (ORDER BY ${orderOf(question, words)}) AS place FROM judged
       WHERE price_fits AND stock_fits ORDER BY place LIMIT :limit OFFSET :offset)
     SELECT count(*) AS probed, count(*) FILTER (WHERE price_fits AND stock_fits) AS matches,
       jsonb_build_array(${PRICE_RANGES.map((_, range) => inRange(range)).join(', ')}) AS counts,
       count(*) FILTER (WHERE price_fits AND available > 0) AS "inStock",
       count(*) FILTER (WHERE price_fits AND available = 0) AS "outOfStock",
       (SELECT coalesce(jsonb_agg(id ORDER BY place), '[]') FROM page) AS ids
     FROM judged`,
    {
      ...bindingsOf(words),
      probed: PROBED,
      minPrice: minPriceMinor,
      maxPrice: maxPriceMinor,
      bounds,
      limit: question.limit,
      offset: question.offset,
    },
  );
  if (row === undefined) throw new Error('a count gave no row');
  const { probed, matches, ids, counts, ...stock } = row;
  const priceRanges = PRICE_RANGES.map((range, index) => ({ ...range, count: counts[index] ?? 0 }));
  return { probed, matches, ids, facets: { priceRanges, ...stock } };
}

async function loadHits(tx: Queryable, ids: readonly number[], words: readonly string[]): Promise<CatalogHit[]> {
  if (ids.length === 0) return [];
  const found = await rows<ProductRow & { available: number; stock_version: number }>(
    tx,
    `SELECT ${PRODUCT_COLUMNS}, available, stock_version FROM products JOIN stock ON product_id = id
     WHERE id = ANY(CAST(:ids AS bigint[])) ORDER BY array_position(CAST(:ids AS bigint[]), id)`,
    { ids: [...ids] },
  );
  return found.map(({ available, stock_version, ...row }) => ({
    product: { ...toProduct(row), stockVersion: stock_version },
    available,
    nameHtml: highlight(row.name, words),
    descriptionHtml: highlight(excerpt(row.description, words), words),
  }));
}

/** Names in which a word begins with what was typed; those that begin with it themselves, and short ones, come first. */
async function namesWith(tx: Queryable, typed: string, limit: number): Promise<NameSuggestion[]> {
  const pattern = containing(typed);
  return await rows<NameSuggestion>(
    tx,
    `SELECT id, name FROM (
       SELECT id, name FROM products WHERE deleted_at IS NULL AND search_text LIKE :anywhere
         AND (lower(name) LIKE :first OR lower(name) LIKE :later) LIMIT :probed) found
     ORDER BY lower(name) LIKE :first DESC, length(name), id LIMIT :limit`,
    { anywhere: pattern, first: pattern.slice(1), later: `% ${pattern.slice(1)}`, probed: PROBED_NAMES, limit },
  );
}

async function namesLike(tx: Queryable, typed: string, limit: number): Promise<NameSuggestion[]> {
  return await rows<NameSuggestion>(
    tx,
    `SELECT id, name FROM (
       SELECT id, name, word_similarity(:typed, lower(name)) AS similarity FROM products
       WHERE deleted_at IS NULL AND CAST(:typed AS text) <% search_text LIMIT :probed) found
     WHERE similarity >= :least ORDER BY similarity DESC, id LIMIT :limit`,
    { typed, least: SIMILARITY, probed: PROBED_NAMES, limit },
  );
}

function canBeAlike(word: string): boolean {
  return word.length >= LEAST_SIMILAR_LENGTH;
}

/** All words as they are; or one that resembles, since a short word with one error in it has hardly a triple left. */
function textCondition(words: readonly string[], match: Match): string {
  if (words.length === 0) return 'true';
  if (match === 'as they are') return words.map((_, index) => `p.search_text LIKE :pattern${index}`).join(' AND ');
  const alike = words.flatMap((word, index) =>
    canBeAlike(word) ? [`CAST(:word${index} AS text) <% p.search_text`] : [],
  );
  return `(${alike.join(' OR ')})`;
}

function bindingsOf(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    words.flatMap((word, index) => [
      [`word${index}`, word],
      [`pattern${index}`, containing(word)],
    ]),
  );
}

function stockCondition(inStock: boolean | undefined): string {
  if (inStock === undefined) return 'true';
  return inStock ? 'available > 0' : 'available = 0';
}

function orderOf({ sort }: CatalogQuestion, words: readonly string[]): string {
  const columns = { name: 'name', price: 'price_minor', created_at: 'created_at', quantity: 'available' };
  if (sort.field !== 'relevance') {
    const direction = sort.descending ? 'DESC' : 'ASC';
    return `${columns[sort.field]} ${direction}, id ${direction}`;
  }
  // What is in the name counts more, as it does in OpenSearch.
  const score = words.map(
    (_, index) => `3 * word_similarity(:word${index}, lower(name)) + word_similarity(:word${index}, search_text)`,
  );
  return [...(score.length === 0 ? [] : [`${score.join(' + ')} DESC`]), 'id'].join(', ');
}

/** On the replica, in a transaction for the sake of its limits. */
async function bounded<T>(db: Database, work: (tx: Transaction) => Promise<T>): Promise<T> {
  try {
    return await db.replica.transaction(async (tx) => {
      await tx.raw(`SET LOCAL statement_timeout = ${STATEMENT_TIMEOUT_MS}`);
      await tx.raw(`SET LOCAL pg_trgm.word_similarity_threshold = ${SIMILARITY}`);
      return await work(tx);
    });
  } catch (error) {
    if (sqlState(error) !== SQLSTATE.queryCanceled) throw error;
    throw new SearchTooSlow('a statement took too long', { cause: error });
  }
}

/** What resembles is a courtesy: an answer without it is better than none. */
async function unlessTooLong<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof SearchTooSlow) return undefined;
    throw error;
  }
}
