import { type PriceRange, type Product, SearchEngine } from '@punctual/contracts/grpc/product';
import { asAnybody, type GraphqlContext } from '../context.ts';
import { parseId } from '../scalars.ts';
import { given, type PageArgs, pageOf, present, windowOf } from './pages.ts';

/** Money arrives as minor units, and a sort as the services write it. */
type Filter = {
  minPrice?: number | null;
  maxPrice?: number | null;
  inStock?: boolean | null;
  sort?: string | null;
};
type ProductsArgs = PageArgs & Filter & { q?: string | null; name?: string | null; description?: string | null };
type SearchArgs = PageArgs & Filter & { q: string };

const SORTS = {
  NAME: 'name',
  NAME_DESC: '-name',
  PRICE: 'price',
  PRICE_DESC: '-price',
  CREATED_AT: 'created_at',
  CREATED_AT_DESC: '-created_at',
  QUANTITY: 'quantity',
  QUANTITY_DESC: '-quantity',
};

/** Anybody may look at the catalog. */
export const productResolvers = {
  Query: {
    async product(_: unknown, { id }: { id: string }, context: GraphqlContext) {
      const { product } = await context.services.products.getProduct({ id: parseId(id, 'id') }, asAnybody(context));
      return present(product, 'product');
    },

    async products(_: unknown, args: ProductsArgs, context: GraphqlContext) {
      const { q, name, description } = args;
      const { products, info } = await context.services.products.listProducts(
        {
          window: windowOf(args),
          ...filterOf(args),
          q: given(q),
          name: given(name),
          description: given(description),
        },
        asAnybody(context),
      );
      return pageOf(products, info);
    },

    async productSearch(_: unknown, args: SearchArgs, context: GraphqlContext) {
      const { hits, info, facets, engine } = await context.services.products.searchProducts(
        { window: windowOf(args), ...filterOf(args), q: args.q },
        asAnybody(context),
      );
      return { ...pageOf(hits, info), facets, engine: engine === SearchEngine.UNSPECIFIED ? null : engine };
    },

    async productSuggestions(_: unknown, args: { q: string; limit?: number | null }, context: GraphqlContext) {
      const { suggestions } = await context.services.products.suggestProducts(
        { q: args.q, limit: given(args.limit) },
        asAnybody(context),
      );
      return suggestions;
    },
  },

  Product: { price: ({ priceMinor }: Product) => priceMinor },
  PriceRange: { from: ({ fromMinor }: PriceRange) => fromMinor, to: ({ toMinor }: PriceRange) => toMinor },

  ProductSort: { ID: 'id', ID_DESC: '-id', ...SORTS },
  SearchSort: { RELEVANCE: 'relevance', ...SORTS },
  SearchEngine: { OPENSEARCH: SearchEngine.OPENSEARCH, POSTGRES: SearchEngine.POSTGRES },
};

function filterOf({ minPrice, maxPrice, inStock, sort }: Filter) {
  return {
    minPriceMinor: given(minPrice),
    maxPriceMinor: given(maxPrice),
    inStock: given(inStock),
    sort: given(sort),
  };
}
