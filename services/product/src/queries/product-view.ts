import { formatMoney, type productApi } from '@punctual/contracts';
import type { CatalogProduct } from '../store/product-store.ts';

type Shown = Omit<CatalogProduct['product'], 'stocked' | 'deletedAt'>;

/** A product as the API answers it; its `quantity` is what can still be ordered. */
export function toProductView({ product, available }: { product: Shown; available: number }): productApi.ProductView {
  return {
    id: product.id,
    name: product.name,
    description: product.description,
    price: formatMoney(product.price_minor),
    currency: product.currency,
    quantity: available,
    version: product.version,
    created_at: product.createdAt.toISOString(),
    updated_at: product.updatedAt.toISOString(),
  };
}
