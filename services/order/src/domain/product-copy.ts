/**
 * What this service knows of a product: enough to price an order and to refuse early what cannot be had. It is put
 * together from messages that come in any order and more than once: the catalog part with the highest `version` counts,
 * and so does the stock part with the highest `stockVersion`.
 */
export type ProductCopy = {
  readonly productId: number;
  /** 0 while only the stock is known. */
  readonly version: number;
  readonly name: string;
  readonly priceMinor: number;
  readonly currency: string;
  readonly deleted: boolean;
  readonly available: number;
  /** -1 while no event has told the stock. */
  readonly stockVersion: number;
};

export const NO_CATALOG_VERSION = 0;
export const NO_STOCK_VERSION = -1;

/** One copy per product, by ascending id. The order of the input does not matter. */
export function latestByProduct(copies: readonly ProductCopy[]): ProductCopy[] {
  const latest = new Map<number, ProductCopy>();
  for (const copy of copies) {
    const known = latest.get(copy.productId);
    latest.set(copy.productId, known === undefined ? copy : newer(known, copy));
  }
  return [...latest.values()].sort((a, b) => a.productId - b.productId);
}

function newer(a: ProductCopy, b: ProductCopy): ProductCopy {
  const catalog = b.version > a.version ? b : a;
  const stock = b.stockVersion > a.stockVersion ? b : a;
  return { ...catalog, available: stock.available, stockVersion: stock.stockVersion };
}
