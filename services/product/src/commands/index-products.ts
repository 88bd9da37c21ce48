import { RetryLater } from '@punctual/messaging';
import type { Database } from '@punctual/postgres';
import type { Metrics } from '@punctual/telemetry';
import type { CatalogIndex } from '../search/catalog-index.ts';
import { SearchRefused, SearchUnavailable } from '../search/connection.ts';
import { toDocument } from '../search/document.ts';
import { loadSearchRows } from '../store/search-rows.ts';

const PRODUCTS_PER_BULK = 500;
const MS_PER_SECOND = 1_000;
const DELAY_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600];

/** Something that was told of products, and when. */
export type CatalogChange = { productIds: readonly number[]; at: Date };

export type IndexProducts = (changes: readonly CatalogChange[]) => Promise<void>;

/**
 * Makes the command that brings products into the search index as they are now. What was told of them says only which they
 * are: their rows are read from the primary, all of a batch in one statement, so the newest is what is written. Doing it
 * again, or late, changes nothing, since the index refuses what is not newer. Throws RetryLater while OpenSearch is away or refuses.
 */
export function createProductIndexer({
  db,
  index,
  metrics,
  clock,
}: {
  db: Database;
  index: CatalogIndex;
  metrics: Metrics;
  clock: () => Date;
}): IndexProducts {
  const documents = metrics.counter({
    name: 'search_documents_total',
    help: 'Documents sent to the search index: indexed, or outdated and refused as they should be',
    labelNames: ['outcome'],
  });
  const delay = metrics.histogram({
    name: 'search_index_delay_seconds',
    help: 'From a change of a product until it is in the search index',
    buckets: DELAY_BUCKETS,
  });

  return async function indexProducts(changes) {
    const ids = [...new Set(changes.flatMap(({ productIds }) => productIds))];
    try {
      for (let start = 0; start < ids.length; start += PRODUCTS_PER_BULK) {
        const found = await loadSearchRows(db.primary, ids.slice(start, start + PRODUCTS_PER_BULK));
        if (found.length === 0) continue;
        const { indexed, outdated } = await index.write(found.map(toDocument));
        documents.inc({ outcome: 'indexed' }, indexed);
        documents.inc({ outcome: 'outdated' }, outdated);
      }
    } catch (error) {
      // A request that is refused, for its rights or its way, says nothing of the products either.
      const passes = error instanceof SearchUnavailable || error instanceof SearchRefused;
      if (passes) throw new RetryLater(error.message, { cause: error });
      throw error;
    }
    const now = clock().getTime();
    for (const { at } of changes) delay.observe(Math.max(0, now - at.getTime()) / MS_PER_SECOND);
  };
}
