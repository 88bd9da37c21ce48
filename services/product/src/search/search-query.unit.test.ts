import assert from 'node:assert/strict';
import type { CatalogQuestion } from '../domain/catalog-question.ts';
import { indexDefinition } from './index-definition.ts';
import { searchBody, suggestBody } from './search-query.ts';

const question: CatalogQuestion = { sort: { field: 'relevance', descending: false }, limit: 20, offset: 40 };
const price = { range: { price_minor: { gte: 100, lte: 200 } } };
const stock = { term: { in_stock: true } };

describe('the body of a search', () => {
  it('filters behind the facets, and counts each facet under the other filter', () => {
    const body = searchBody({ ...question, minPriceMinor: 100, maxPriceMinor: 200, inStock: true });
    assert.deepEqual(body.post_filter, { bool: { filter: [price, stock] } });
    const { prices, stock: byStock } = body.aggs as Record<string, { filter: object }>;
    assert.deepEqual([prices?.filter, byStock?.filter], [stock, price]);
    assert.doesNotMatch(JSON.stringify(body.query), /price_minor|in_stock/);
  });

  it('never finds what is deleted', () => {
    for (const body of [searchBody(question), searchBody({ ...question, text: 'x' }), suggestBody('x', 5)]) {
      assert.match(JSON.stringify(body.query), /"filter":\[\{"term":\{"deleted":false\}\}\]/);
    }
  });

  it('orders the last tie by the id', () => {
    assert.deepEqual(searchBody(question).sort, [{ _score: 'desc' }, { id: 'asc' }]);
    const byPrice = searchBody({ ...question, sort: { field: 'price', descending: true } });
    assert.deepEqual(byPrice.sort, [{ price_minor: 'desc' }, { id: 'desc' }]);
  });

  it('has the text as a value, whatever stands in it', () => {
    const text = '"}},{"match_all":{}} OR name:*';
    const { query } = searchBody({ ...question, text }) as { query: { bool: { must: [object] } } };
    assert.match(JSON.stringify(query), /"query":"\\"\}\},\{\\"match_all/);
    assert.equal(JSON.stringify(query).includes('query_string'), false);
  });
});

describe('the definition of the index', () => {
  it('refuses fields that it does not name', () => {
    const { mappings, settings } = indexDefinition({ shards: 3, replicas: 2 }) as {
      mappings: { dynamic: string };
      settings: Record<string, unknown>;
    };
    assert.equal(mappings.dynamic, 'strict');
    assert.deepEqual([settings.number_of_shards, settings.number_of_replicas], [3, 2]);
  });
});
