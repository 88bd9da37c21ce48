import { productApi } from '@punctual/contracts';
import { AppError, createServiceClient } from '@punctual/http';
import { copyOfView } from './commands/copy-products.ts';
import type { ProductCatalog } from './commands/place-order.ts';

const TIMEOUT_MS = 500;
const minorUnits = productApi.createProductBody.shape.price;

/** Asks the product service over HTTP; to be replaced by gRPC. Requests for one product at the same time share one call. */
export function createProductCatalog(baseUrl: string): ProductCatalog & { close(): Promise<void> } {
  const client = createServiceClient({ name: 'product', baseUrl, timeoutMs: TIMEOUT_MS });
  const asked = new Map<number, ReturnType<typeof fetchCopy>>();

  async function fetchCopy(id: number) {
    try {
      const view = await client.request({ path: `/products/${id}`, schema: productApi.product });
      return copyOfView(view, minorUnits.parse(view.price));
    } catch (error) {
      if (error instanceof AppError && error.code === 'NOT_FOUND') return undefined;
      throw error;
    }
  }

  function ask(id: number): ReturnType<typeof fetchCopy> {
    const running = asked.get(id);
    if (running !== undefined) return running;
    const started = fetchCopy(id).finally(() => asked.delete(id));
    asked.set(id, started);
    return started;
  }

  return {
    async find(productIds) {
      const copies = await Promise.all(productIds.map(ask));
      return copies.filter((copy) => copy !== undefined);
    },
    close: () => client.close(),
  };
}
