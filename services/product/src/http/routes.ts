import { productApi } from '@punctual/contracts';
import {
  handle,
  type Identity,
  type MountedRoute,
  notFound,
  pagingLinks,
  reply,
  validationFailed,
  windowOf,
} from '@punctual/http';
import type { Database } from '@punctual/postgres';
import {
  adjustStock,
  type Catalog,
  type CatalogProduct,
  changeProduct,
  createProduct,
  deleteProduct,
} from '../commands/catalog.ts';
import { toProductView } from '../queries/product-view.ts';
import { getProduct, listProductEvents, listProducts } from '../queries/products.ts';
import { type CatalogSearch, parseSearchSort } from '../queries/search-catalog.ts';
import { toFacets, toFoundProduct } from '../queries/search-view.ts';
import { entityTag, expectedVersion } from './entity-tag.ts';

/** Every route of the catalog. */
export function productRoutes({
  db,
  catalog,
  search,
}: {
  db: Database;
  catalog: Catalog;
  search: CatalogSearch;
}): MountedRoute[] {
  return [
    handle(productApi.listProducts, async ({ query, req }) => {
      const { q, name, description, min_price, max_price, in_stock, sort, page, limit } = query;
      requireOrdered(min_price, max_price);
      const { items, totalItems, totalIsExact } = await listProducts(db, {
        text: q,
        name,
        description,
        minPriceMinor: min_price,
        maxPriceMinor: max_price,
        inStock: in_stock === undefined ? undefined : in_stock === 'true',
        sort,
        ...windowOf({ page, limit }),
      });
      return { data: items.map(toProductView), paging: pagingLinks(req, { page, limit, totalItems, totalIsExact }) };
    }),

    handle(productApi.searchProducts, async ({ query, req }) => {
      const { q, min_price, max_price, in_stock, sort, page, limit } = query;
      requireOrdered(min_price, max_price);
      const { engine, found } = await search.searchProducts({
        text: q,
        minPriceMinor: min_price,
        maxPriceMinor: max_price,
        inStock: in_stock === undefined ? undefined : in_stock === 'true',
        sort: parseSearchSort(sort),
        limit,
        offset: (page - 1) * limit,
      });
      const { total: totalItems, totalIsExact } = found;
      return reply({
        data: found.hits.map(toFoundProduct),
        paging: pagingLinks(req, { page, limit, totalItems, totalIsExact, maxItems: productApi.MAX_SEARCH_RESULTS }),
        beside: { facets: toFacets(found.facets) },
        headers: answeredBy(engine),
      });
    }),

    handle(productApi.suggestProducts, async ({ query }) => {
      const { engine, found } = await search.suggestProducts(query.q, query.limit);
      return reply({ data: found, headers: answeredBy(engine) });
    }),

    handle(productApi.getProduct, async ({ params }) => {
      const found = await getProduct(db, params.id);
      if (found === undefined) throw notFound('product', params.id);
      return answer(found);
    }),

    handle(productApi.createProduct, async ({ body, identity }) => {
      const { price, ...entry } = body;
      const created = await createProduct(catalog, { ...entry, price_minor: price }, actor(identity));
      return answer(created, { location: `/products/${created.product.id}` });
    }),

    handle(productApi.replaceProduct, async ({ params, body, headers, identity }) => {
      const expected = expectedVersion(headers['if-match']);
      const { price, ...entry } = body;
      const changes = { ...entry, price_minor: price };
      return answer(await changeProduct(catalog, { id: params.id, changes, expected }, actor(identity)));
    }),

    handle(productApi.changeProduct, async ({ params, body, headers, identity }) => {
      const expected = expectedVersion(headers['if-match']);
      const { name, description, price, currency } = body;
      const changes = {
        ...(name === undefined ? {} : { name }),
        ...(description === undefined ? {} : { description }),
        ...(price === undefined ? {} : { price_minor: price }),
        ...(currency === undefined ? {} : { currency }),
      };
      return answer(await changeProduct(catalog, { id: params.id, changes, expected }, actor(identity)));
    }),

    handle(productApi.deleteProduct, async ({ params, headers, identity }) => {
      const expected = expectedVersion(headers['if-match']);
      await deleteProduct(catalog, { id: params.id, expected }, actor(identity));
    }),

    handle(productApi.adjustStock, async ({ params, body, identity }) =>
      answer(await adjustStock(catalog, { id: params.id, ...body }, actor(identity))),
    ),

    handle(productApi.listProductEvents, async ({ params, query, req }) => {
      const { page, limit } = query;
      const found = await listProductEvents(db, { id: params.id, ...windowOf({ page, limit }) });
      if (found === undefined) throw notFound('product', params.id);
      return { data: found.items, paging: pagingLinks(req, { page, limit, totalItems: found.totalItems }) };
    }),
  ];
}

function answer(changed: CatalogProduct, headers: Record<string, string> = {}) {
  return reply({ data: toProductView(changed), headers: { ...headers, etag: entityTag(changed.product.version) } });
}

function answeredBy(engine: productApi.SearchEngine): Record<string, string> {
  return { [productApi.SEARCH_ENGINE_HEADER]: engine };
}

function requireOrdered(minPrice: number | undefined, maxPrice: number | undefined): void {
  if (minPrice === undefined || maxPrice === undefined || minPrice <= maxPrice) return;
  throw validationFailed([{ field: 'max_price', message: 'must not be below min_price' }]);
}

function actor(identity: Identity): string {
  return `user:${identity.userId}`;
}
