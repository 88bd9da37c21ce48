/** The bodies of searches. Pure: the same question makes the same body. */
import { type CatalogQuestion, PRICE_RANGES, type QuestionSort } from '../domain/catalog-question.ts';

type Json = Record<string, unknown>;

/** So many results are counted, and can be paged through; OpenSearch collects no more by default. */
export const COUNTED_RESULTS = 10_000;
const EXCERPT_LENGTH = 160;
/** Terms that one misspelt word may become; what is spelt alike beyond that is not looked at. */
const MAX_EXPANSIONS = 30;
/** As Postgres looks at. With their expansions in two fields they stay below the 1,024 clauses that a query may have. */
const MAX_WORDS = 10;
const WORDS = new Intl.Segmenter('und', { granularity: 'word' });
const HAS_LETTER = /[\p{L}\p{N}]/u;
/** The scripts in which Unicode leaves the boundaries of words to dictionaries. */
const WITHOUT_SPACES =
  /[\p{sc=Thai}\p{sc=Lao}\p{sc=Khmr}\p{sc=Mymr}\p{sc=Tale}\p{sc=Talu}\p{sc=Lana}\p{sc=Tavt}\p{sc=Ahom}]/u;
const NOT_DELETED = { term: { deleted: false } };
const EVERYTHING = { match_all: {} };

const SORT_FIELDS = {
  name: 'name.sort',
  price: 'price_minor',
  created_at: 'created_at',
  quantity: 'quantity',
} as const;

/**
 * Filters stand in post_filter, behind the aggregations, so that facets show the alternatives: each facet is counted under
 * all filters but its own.
 */
export function searchBody(question: CatalogQuestion): Json {
  const price = priceFilter(question);
  const stock = stockFilter(question);
  return {
    from: question.offset,
    size: question.limit,
    track_total_hits: COUNTED_RESULTS,
    query: { bool: { must: [textQuery(question.text)], filter: [NOT_DELETED] } },
    post_filter: { bool: { filter: [price, stock] } },
    aggs: {
      prices: {
        filter: stock,
        aggs: { ranges: { range: { field: 'price_minor', ranges: PRICE_RANGES.map(toRange) } } },
      },
      stock: { filter: price, aggs: { values: { terms: { field: 'in_stock' } } } },
    },
    sort: sortOf(question.sort),
    highlight: {
      encoder: 'html',
      pre_tags: ['<em>'],
      post_tags: ['</em>'],
      fields: {
        name: { number_of_fragments: 0 },
        description: { number_of_fragments: 1, fragment_size: EXCERPT_LENGTH },
      },
    },
  };
}

/** Names with words that begin with what was typed, or nearly so; those that are spelt like it come first. */
export function suggestBody(text: string, limit: number): Json {
  const typed = (options: Json) => ({ match: { 'name.typed': { query: text, operator: 'and', ...options } } });
  return {
    size: limit,
    track_total_hits: false,
    _source: ['id', 'name'],
    query: {
      bool: {
        filter: [NOT_DELETED],
        should: [
          { prefix: { 'name.sort': { value: text, boost: 4 } } },
          typed({ boost: 4 }),
          typed({ fuzziness: 'AUTO', prefix_length: 1, max_expansions: MAX_EXPANSIONS }),
        ],
        minimum_should_match: 1,
      },
    },
    sort: [{ _score: 'desc' }, { id: 'asc' }],
  };
}

/**
 * A product matches with three of four words, each in name or description and with typing errors; words that are spelt right, and
 * in the name, count more. Each word is a query of its own: fields asked for several are asked for all of them, one by one. A name
 * as it stands matches too, since words that no space sets apart are one word in the index.
 */
function textQuery(text: string | undefined): Json {
  const words = wordsIn(text ?? '');
  if (words.length === 0) return EVERYTHING;
  const fields = ['name^3', 'description'];
  const spread = {
    bool: {
      should: words.map((word) => ({ multi_match: { query: word, fields, operator: 'and', ...forgiving(word) } })),
      minimum_should_match: '3<75%',
    },
  };
  const phrase = { match_phrase: { name: { query: text, boost: 2 } } };
  return {
    bool: {
      must: [{ bool: { should: [spread, phrase], minimum_should_match: 1 } }],
      should: [{ multi_match: { query: text, fields, boost: 2 } }],
    },
  };
}

/** Each once, ten at most, by the boundaries of Unicode, as the index has them. */
function wordsIn(text: string): string[] {
  const parts = [...WORDS.segment(text.toLowerCase())].map(({ segment }) => segment);
  return [...new Set(parts.filter((part) => HAS_LETTER.test(part)))].slice(0, MAX_WORDS);
}

/** Of what may become any number of words in the index nothing is forgiven: each would be looked for in all its spellings. */
function forgiving(word: string): Json {
  return WITHOUT_SPACES.test(word) ? {} : { fuzziness: 'AUTO', prefix_length: 1, max_expansions: MAX_EXPANSIONS };
}

function priceFilter({ minPriceMinor, maxPriceMinor }: CatalogQuestion): Json {
  if (minPriceMinor === undefined && maxPriceMinor === undefined) return EVERYTHING;
  return {
    range: {
      price_minor: {
        ...(minPriceMinor === undefined ? {} : { gte: minPriceMinor }),
        ...(maxPriceMinor === undefined ? {} : { lte: maxPriceMinor }),
      },
    },
  };
}

function stockFilter({ inStock }: CatalogQuestion): Json {
  return inStock === undefined ? EVERYTHING : { term: { in_stock: inStock } };
}

function toRange({ fromMinor, toMinor }: (typeof PRICE_RANGES)[number]): Json {
  return {
    ...(fromMinor === undefined ? {} : { from: fromMinor }),
    ...(toMinor === undefined ? {} : { to: toMinor }),
  };
}

/** The id makes the order whole, so that pages neither repeat nor miss a product. */
function sortOf({ field, descending }: QuestionSort): Json[] {
  if (field === 'relevance') return [{ _score: 'desc' }, { id: 'asc' }];
  const direction = descending ? 'desc' : 'asc';
  return [{ [SORT_FIELDS[field]]: direction }, { id: direction }];
}
