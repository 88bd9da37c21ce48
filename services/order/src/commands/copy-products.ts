import type { ProductDeleted, ProductState, productApi } from '@punctual/contracts';
import type { Transaction } from '@punctual/postgres';
import { NO_STOCK_VERSION, type ProductCopy } from '../domain/product-copy.ts';
import { saveProductCopies } from '../store/products.ts';

export type ProductNews =
  | { readonly type: 'product.created' | 'product.updated'; readonly data: ProductState }
  | { readonly type: 'product.deleted'; readonly data: ProductDeleted };

/** Keeps the projection that orders are priced from. The caller owns the transaction. */
export async function copyProducts(tx: Transaction, news: readonly ProductNews[]): Promise<void> {
  await saveProductCopies(
    tx,
    news.map((item) => (item.type === 'product.deleted' ? deletedCopy(item.data) : stateCopy(item.data))),
  );
}

/** From the product service's public answer, which tells no stock version: the next stock event counts for more. */
export function copyOfView(view: productApi.ProductView, priceMinor: number): ProductCopy {
  return {
    productId: view.id,
    version: view.version,
    name: view.name,
    priceMinor,
    currency: view.currency,
    deleted: false,
    available: view.quantity,
    stockVersion: NO_STOCK_VERSION,
  };
}

function stateCopy(data: ProductState): ProductCopy {
  return {
    productId: data.product_id,
    version: data.version,
    name: data.name,
    priceMinor: data.price_minor,
    currency: data.currency,
    deleted: false,
    available: data.available,
    stockVersion: data.stock_version,
  };
}

function deletedCopy(data: ProductDeleted): ProductCopy {
  return {
    productId: data.product_id,
    version: data.version,
    name: '',
    priceMinor: 0,
    currency: '',
    deleted: true,
    available: 0,
    stockVersion: NO_STOCK_VERSION,
  };
}
