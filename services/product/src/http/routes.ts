import { productApi } from '@punctual/contracts';
import {
  handle,
  type Identity,
  type MountedRoute,
  notFound,
  pagingLinks,
  reply,
  validationFailed,
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
import { entityTag, expectedVersion } from './entity-tag.ts';

/** Every route of the catalog. */
export function productRoutes({ db, catalog }: { db: Database; catalog: Catalog }): MountedRoute[] {
  return [
    handle(productApi.listProducts, async ({ query, req }) => {
      const { q, name, description, min_price, max_price, in_stock, sort, page, limit } = query;
      if (min_price !== undefined && max_price !== undefined && min_price > max_price) {
        throw validationFailed([{ field: 'max_price', message: 'must not be below min_price' }]);
      }
      const { items, totalItems, totalIsExact } = await listProducts(db, {
        text: q,
        name,
        description,
        minPriceMinor: min_price,
        maxPriceMinor: max_price,
        inStock: in_stock === undefined ? undefined : in_stock === 'true',
        sort,
        page,
        limit,
      });
      return { data: items, paging: pagingLinks(req, { page, limit, totalItems, totalIsExact }) };
    }),

    handle(productApi.getProduct, async ({ params }) => {
      const view = await getProduct(db, params.id);
      if (view === undefined) throw notFound('product', params.id);
      return reply({ data: view, headers: { etag: entityTag(view.version) } });
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
      const found = await listProductEvents(db, { id: params.id, page, limit });
      if (found === undefined) throw notFound('product', params.id);
      return { data: found.items, paging: pagingLinks(req, { page, limit, totalItems: found.totalItems }) };
    }),
  ];
}

function answer(changed: CatalogProduct, headers: Record<string, string> = {}) {
  return reply({ data: toProductView(changed), headers: { ...headers, etag: entityTag(changed.product.version) } });
}

function actor(identity: Identity): string {
  return `user:${identity.userId}`;
}
