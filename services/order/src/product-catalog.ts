import type { Product, ProductServiceDefinition } from '@punctual/contracts/grpc/product';
import { type GrpcCalls, outsideCall } from '@punctual/grpc';
import { unavailable } from '@punctual/http';
import type { Logger } from '@punctual/telemetry';
import { copyOfProduct } from './commands/copy-products.ts';
import type { ProductCatalog } from './commands/place-order.ts';

/** Refusals of one product within this time share one question: many may want what has just been sold out. */
const RECHECK_PAUSE_MS = 250;
/** Of the products that were asked about last; beyond it the memory begins anew. */
const MAX_REMEMBERED = 10_000;

type Answer = Promise<ReadonlyMap<number, Product>>;

/**
 * Asks the product service over gRPC: one call for all products of an order. Orders that want one product at the same time share the
 * call that is under way.
 */
export function createProductCatalog({
  calls,
  logger,
}: {
  calls: Pick<GrpcCalls<typeof ProductServiceDefinition>, 'batchGetProducts'>;
  logger: Logger;
}): ProductCatalog {
  const underWay = new Map<number, Answer>();
  const askedAtMs = new Map<number, number>();

  async function fetchProducts(ids: readonly number[]): Answer {
    // Shared, so it does not end with the order that happens to ask first.
    const { products } = await outsideCall(() => calls.batchGetProducts({ ids: [...ids] }));
    return new Map(products.map((product) => [product.id, product]));
  }

  function startAsking(ids: readonly number[]): void {
    const answer = fetchProducts(ids);
    if (askedAtMs.size > MAX_REMEMBERED) askedAtMs.clear();
    for (const id of ids) {
      underWay.set(id, answer);
      askedAtMs.set(id, performance.now());
    }
    const forget = (): void => {
      for (const id of ids) underWay.delete(id);
    };
    answer.then(forget, forget);
  }

  async function ask(ids: readonly number[]) {
    const missing = ids.filter((id) => !underWay.has(id));
    if (missing.length > 0) startAsking(missing);
    const answers = await Promise.all(ids.map(async (id) => (await underWay.get(id))?.get(id)));
    return answers.filter((product) => product !== undefined).map(copyOfProduct);
  }

  return {
    async find(productIds) {
      try {
        return await ask(productIds);
      } catch (error) {
        // Neither that it is away nor that it refuses us is a fault of the customer's.
        throw unavailable('product', undefined, error);
      }
    },
    async recheck(productIds) {
      const before = performance.now() - RECHECK_PAUSE_MS;
      const stale = productIds.filter((id) => underWay.has(id) || (askedAtMs.get(id) ?? 0) < before);
      if (stale.length === 0) return [];
      try {
        return await ask(stale);
      } catch (error) {
        logger.warn('products could not be rechecked', { product_ids: stale, error });
        return [];
      }
    },
  };
}
