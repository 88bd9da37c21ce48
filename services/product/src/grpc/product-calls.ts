import { MAX_PRICE_MINOR, productApi } from '@punctual/contracts';
import { type Product, type ProductServiceImplementation, SearchEngine } from '@punctual/contracts/grpc/product';
import { type CallExtra, parseId, parseIds, parseMessage, parseWindow, requireService } from '@punctual/grpc';
import { notFound, validationFailed } from '@punctual/http';
import type { Database } from '@punctual/postgres';
import { batchGetProducts, type CatalogProduct, getProduct, listProducts } from '../queries/products.ts';
import { type CatalogSearch, parseSearchSort } from '../queries/search-catalog.ts';

/** The texts of a list's filter follow the rules of the HTTP query. */
const filterTexts = productApi.listProductsQuery.pick({ q: true, name: true, description: true, sort: true });

const searchTexts = productApi.searchProductsQuery.pick({ q: true, sort: true });

const ENGINES: Readonly<Record<productApi.SearchEngine, SearchEngine>> = {
  opensearch: SearchEngine.OPENSEARCH,
  postgres: SearchEngine.POSTGRES,
};

/** The catalog over gRPC: the same queries as over HTTP. */
export function productCalls({
  db,
  search,
}: {
  db: Database;
  search: CatalogSearch;
}): ProductServiceImplementation<CallExtra> {
  return {
    async getProduct(request) {
      const id = parseId(request.id);
      const found = await getProduct(db, id);
      if (found === undefined) throw notFound('product', id);
      return { product: toMessage(found) };
    },

    async batchGetProducts(request, call) {
      requireService(call);
      const found = await batchGetProducts(db, parseIds(request.ids));
      return { products: found.map(toMessage) };
    },

    async listProducts(request) {
      const window = parseWindow(request.window);
      const { q, name, description, sort } = parseMessage(filterTexts, {
        q: request.q,
        name: request.name,
        description: request.description,
        sort: request.sort,
      });
      const { minPriceMinor, maxPriceMinor } = parsePrices(request);
      const filters = { text: q, name, description, minPriceMinor, maxPriceMinor, inStock: request.inStock };
      const { items, totalItems, totalIsExact } = await listProducts(db, { ...filters, sort, ...window });
      return {
        products: items.map(toMessage),
        info: { total: totalItems, totalIsExact, hasMore: window.offset + items.length < totalItems },
      };
    },

    async searchProducts(request) {
      const window = parseWindow(request.window);
      const end = window.offset + window.limit;
      if (end > productApi.MAX_SEARCH_RESULTS) {
        const message = `must not lead beyond the first ${productApi.MAX_SEARCH_RESULTS} results`;
        throw validationFailed([{ field: 'window.offset', message }]);
      }
      const { q, sort } = parseMessage(searchTexts, { q: request.q, sort: request.sort });
      const { engine, found } = await search.searchProducts({
        text: q,
        ...parsePrices(request),
        inStock: request.inStock,
        sort: parseSearchSort(sort),
        ...window,
      });
      const { hits, total, totalIsExact, facets } = found;
      const isNextAllowed = end + window.limit <= productApi.MAX_SEARCH_RESULTS;
      return {
        hits: hits.map(({ product, available, nameHtml, descriptionHtml }) => ({
          product: toMessage({
            product: { ...product, deletedAt: null },
            available,
            stockVersion: product.stockVersion,
          }),
          nameHighlight: nameHtml,
          descriptionHighlight: descriptionHtml,
        })),
        info: { total, totalIsExact, hasMore: isNextAllowed && window.offset + hits.length < total },
        facets,
        engine: ENGINES[engine],
      };
    },

    async suggestProducts(request) {
      const { q, limit } = parseMessage(productApi.suggestProductsQuery, {
        q: request.q,
        limit: request.limit === undefined ? undefined : String(request.limit),
      });
      const { engine, found } = await search.suggestProducts(q, limit);
      return { suggestions: found.map(({ id, name }) => ({ productId: id, name })), engine: ENGINES[engine] };
    },
  };
}

type Prices = { readonly minPriceMinor?: number | undefined; readonly maxPriceMinor?: number | undefined };

function parsePrices({ minPriceMinor, maxPriceMinor }: Prices): Prices {
  const problems = [
    { field: 'min_price_minor', value: minPriceMinor },
    { field: 'max_price_minor', value: maxPriceMinor },
  ]
    .filter(({ value }) => value !== undefined && (value < 0 || value > MAX_PRICE_MINOR))
    .map(({ field }) => ({ field, message: `must be from 0 to ${MAX_PRICE_MINOR}` }));
  if (minPriceMinor !== undefined && maxPriceMinor !== undefined && minPriceMinor > maxPriceMinor) {
    problems.push({ field: 'max_price_minor', message: 'must not be below min_price_minor' });
  }
  if (problems.length > 0) throw validationFailed(problems);
  return { minPriceMinor, maxPriceMinor };
}

type Shown = Omit<CatalogProduct, 'product'> & { product: Omit<CatalogProduct['product'], 'stocked'> };

function toMessage({ product, available, stockVersion }: Shown): Product {
  return {
    id: product.id,
    name: product.name,
    description: product.description,
    priceMinor: product.price_minor,
    currency: product.currency,
    quantity: available,
    version: product.version,
    stockVersion,
    deleted: product.deletedAt !== null,
    createdAt: product.createdAt,
    updatedAt: product.updatedAt,
  };
}
