import type { ProductDeleted, ProductState } from '@punctual/contracts';
import type { Product } from '@punctual/contracts/grpc/product';
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

/** From the product service's own answer, which is as new as any event. */
export function copyOfProduct(product: Product): ProductCopy {
  return {
    productId: product.id,
    version: product.version,
    name: product.name,
    priceMinor: product.priceMinor,
    currency: product.currency,
    deleted: product.deleted,
    available: product.quantity,
    stockVersion: product.stockVersion,
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
