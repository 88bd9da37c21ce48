import { z } from 'zod';
import {
  type CatalogAnswer,
  type CatalogHit,
  type CatalogQuestion,
  type NameSuggestion,
  PRICE_RANGES,
} from '../domain/catalog-question.ts';
import { escapeHtml, excerpt, wordsOf } from '../domain/highlight.ts';
import { type Connection, SearchUnavailable } from './connection.ts';
import { type ProductDocument, productDocument } from './document.ts';
import { searchBody, suggestBody } from './search-query.ts';

export type { CatalogAnswer, CatalogQuestion } from '../domain/catalog-question.ts';

/** Asks the index behind the alias. Throws SearchUnavailable when the answer would not be whole. */
export type CatalogSearcher = {
  search(question: CatalogQuestion): Promise<CatalogAnswer>;
  suggest(text: string, limit: number): Promise<NameSuggestion[]>;
};

/** What a shard has found by this part of the time is what it answers, and says so: then there is time to refuse it. */
const SHARD_PART = 0.8;

const whole = { timed_out: z.boolean(), _shards: z.object({ failed: z.number() }) };
const count = z.object({ doc_count: z.number() });
const searchAnswer = z.object({
  ...whole,
  hits: z.object({
    total: z.object({ value: z.number(), relation: z.enum(['eq', 'gte']) }),
    hits: z.array(
      z.object({
        _source: productDocument,
        highlight: z
          .object({ name: z.array(z.string()).optional(), description: z.array(z.string()).optional() })
          .optional(),
      }),
    ),
  }),
  aggregations: z.object({
    prices: z.object({ ranges: z.object({ buckets: z.array(count) }) }),
    stock: z.object({
      values: z.object({ buckets: z.array(count.extend({ key_as_string: z.enum(['true', 'false']) })) }),
    }),
  }),
});
const suggestAnswer = z.object({
  ...whole,
  hits: z.object({ hits: z.array(z.object({ _source: productDocument.pick({ id: true, name: true }) })) }),
});

export function createCatalogSearcher(
  connection: Connection,
  { alias, timeoutMs }: { alias: string; timeoutMs: number },
): CatalogSearcher {
  const timeout = `${Math.ceil(timeoutMs * SHARD_PART)}ms`;
  const ask = async <T extends { timed_out: boolean; _shards: { failed: number } }>(
    answer: z.ZodType<T>,
    query: object,
  ): Promise<T> => {
    const body = { ...query, timeout };
    const found = await connection.request(answer, { method: 'POST', path: `/${alias}/_search`, body, timeoutMs });
    if (found.timed_out || found._shards.failed > 0) throw new SearchUnavailable('the answer is not whole');
    return found;
  };
  return {
    async search(question) {
      const { hits, aggregations } = await ask(searchAnswer, searchBody(question));
      const words = wordsOf(question.text ?? '');
      const inStock = (key: 'true' | 'false') =>
        aggregations.stock.values.buckets.find(({ key_as_string }) => key_as_string === key)?.doc_count ?? 0;
      return {
        hits: hits.hits.map(({ _source, highlight }) => toHit(_source, highlight, words)),
        total: hits.total.value,
        totalIsExact: hits.total.relation === 'eq',
        facets: {
          priceRanges: PRICE_RANGES.map((range, index) => ({
            ...range,
            count: aggregations.prices.ranges.buckets[index]?.doc_count ?? 0,
          })),
          inStock: inStock('true'),
          outOfStock: inStock('false'),
        },
      };
    },
    async suggest(text, limit) {
      const { hits } = await ask(suggestAnswer, suggestBody(text, limit));
      return hits.hits.map(({ _source }) => _source);
    },
  };
}

function toHit(
  { stock_version, created_at, updated_at, quantity, in_stock: _, deleted: _deleted, ...product }: ProductDocument,
  highlight: { name?: string[] | undefined; description?: string[] | undefined } | undefined,
  words: readonly string[],
): CatalogHit {
  return {
    product: {
      ...product,
      stockVersion: stock_version,
      createdAt: new Date(created_at),
      updatedAt: new Date(updated_at),
    },
    available: quantity,
    nameHtml: highlight?.name?.[0] ?? escapeHtml(product.name),
    descriptionHtml: highlight?.description?.[0] ?? escapeHtml(excerpt(product.description, words)),
  };
}
