/**
 * How products are indexed. Every field is named and others are refused, so that a mistake shows at once.
 *
 *   name, description   words, without case and accents: full text with typing errors
 *   name.typed          every beginning of every word: what has been typed so far
 *   name.sort           the whole, without case and accents: the order by name
 */
const MAX_BEGINNING = 20;

export type IndexShape = { shards: number; replicas: number };

export function indexDefinition({ shards, replicas }: IndexShape): object {
  return {
    settings: {
      number_of_shards: shards,
      number_of_replicas: replicas,
      refresh_interval: '1s',
      analysis: {
        filter: { beginnings: { type: 'edge_ngram', min_gram: 1, max_gram: MAX_BEGINNING } },
        analyzer: {
          words: { type: 'custom', tokenizer: 'standard', filter: ['lowercase', 'asciifolding'] },
          beginnings: { type: 'custom', tokenizer: 'standard', filter: ['lowercase', 'asciifolding', 'beginnings'] },
        },
        normalizer: { folded: { type: 'custom', filter: ['lowercase', 'asciifolding'] } },
      },
    },
    mappings: {
      dynamic: 'strict',
      properties: {
        id: { type: 'long' },
        name: {
          type: 'text',
          analyzer: 'words',
          fields: {
            typed: { type: 'text', analyzer: 'beginnings', search_analyzer: 'words' },
            sort: { type: 'keyword', normalizer: 'folded' },
          },
        },
        description: { type: 'text', analyzer: 'words' },
        price_minor: { type: 'long' },
        currency: { type: 'keyword' },
        quantity: { type: 'long' },
        in_stock: { type: 'boolean' },
        version: { type: 'long', index: false },
        stock_version: { type: 'long', index: false },
        created_at: { type: 'date' },
        updated_at: { type: 'date' },
        deleted: { type: 'boolean' },
      },
    },
  };
}
