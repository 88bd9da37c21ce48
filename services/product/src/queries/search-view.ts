import { formatMoney, type productApi } from '@punctual/contracts';
import { toProductView } from './product-view.ts';
import type { CatalogAnswer } from './search-catalog.ts';

export function toFoundProduct({
  product,
  available,
  nameHtml,
  descriptionHtml,
}: CatalogAnswer['hits'][number]): productApi.FoundProduct {
  return { ...toProductView({ product, available }), highlight: { name: nameHtml, description: descriptionHtml } };
}

export function toFacets({ priceRanges, inStock, outOfStock }: CatalogAnswer['facets']): productApi.Facets {
  return {
    price_ranges: priceRanges.map(({ fromMinor, toMinor, count }) => ({
      from: fromMinor === undefined ? null : formatMoney(fromMinor),
      to: toMinor === undefined ? null : formatMoney(toMinor),
      count,
    })),
    stock: { in_stock: inStock, out_of_stock: outOfStock },
  };
}
