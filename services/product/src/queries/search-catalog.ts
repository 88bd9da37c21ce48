import { productApi } from '@punctual/contracts';
import type { Database } from '@punctual/postgres';
import type { Policy } from '@punctual/resilience';
import type { Logger, Metrics } from '@punctual/telemetry';
import type { CatalogAnswer, CatalogQuestion, CatalogSearcher } from '../search/catalog-searcher.ts';
import { searchInPostgres, suggestInPostgres } from '../store/search-fallback.ts';

export type { CatalogAnswer, CatalogQuestion } from '../search/catalog-searcher.ts';

export type Answered<T> = { engine: productApi.SearchEngine; found: T };
export type Suggestion = { id: number; name: string };

/** Searches the catalog, whatever is there to search it with. */
export type CatalogSearch = {
  /** What was changed a moment ago may be missing. */
  searchProducts(question: CatalogQuestion): Promise<Answered<CatalogAnswer>>;
  /** Products whose names what was typed may become. */
  suggestProducts(text: string, limit: number): Promise<Answered<Suggestion[]>>;
};

/** OpenSearch, guarded by its policy, and Postgres for whenever that gives no answer; without a searcher, Postgres alone. */
export function createCatalogSearch({
  db,
  openSearch,
  isOpenSearchOn,
  logger,
  metrics,
}: {
  db: Database;
  /** What asks OpenSearch, and the policy that bounds it. */
  openSearch: { searcher: CatalogSearcher; policy: Policy } | undefined;
  /** False while somebody has turned it off. */
  isOpenSearchOn: () => boolean;
  logger: Logger;
  metrics: Metrics;
}): CatalogSearch {
  const searches = metrics.counter({
    name: 'catalog_searches_total',
    help: 'Searches and suggestions, by what answered them',
    labelNames: ['engine'],
  });

  async function ask<T>(
    fromOpenSearch: (searcher: CatalogSearcher) => Promise<T>,
    fromPostgres: () => Promise<T>,
  ): Promise<Answered<T>> {
    if (openSearch !== undefined && isOpenSearchOn()) {
      const { searcher, policy } = openSearch;
      try {
        const found = await policy.execute(() => fromOpenSearch(searcher));
        searches.inc({ engine: 'opensearch' });
        return { engine: 'opensearch', found };
      } catch (error) {
        logger.debug('OpenSearch gave no answer, Postgres does', { error });
      }
    }
    const found = await fromPostgres();
    searches.inc({ engine: 'postgres' });
    return { engine: 'postgres', found };
  }

  return {
    searchProducts: (question) =>
      ask(
        (searcher) => searcher.search(question),
        () => searchInPostgres(db, question),
      ),
    suggestProducts: (text, limit) =>
      ask(
        (searcher) => searcher.suggest(text, limit),
        () => suggestInPostgres(db, text, limit),
      ),
  };
}

/** `relevance`, or a field with a minus in front for descending. */
export function parseSearchSort(sort: string): CatalogQuestion['sort'] {
  const descending = sort.startsWith('-');
  const name = descending ? sort.slice(1) : sort;
  const field = productApi.SEARCH_SORTS.find((known) => known === name);
  return field === undefined ? { field: 'relevance', descending: false } : { field, descending };
}
