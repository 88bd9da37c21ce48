/**
 * The product service as an order sees it: BatchGetProducts over gRPC, answered from `products`. `leave` breaks every connection
 * and lets none in until `comeBack`.
 */
import { ProductServiceDefinition } from '@punctual/contracts/grpc/product';
import { createGrpcServer, requireService } from '@punctual/grpc';
import { AppError, createVerifier } from '@punctual/http';
import { createMetrics, silentLogger } from '@punctual/telemetry';
import { TEST_SERVICE_KEY, type TestTokens, tcpProxy } from '@punctual/testing';

export type TestProduct = {
  id: number;
  name: string;
  priceMinor: number;
  quantity: number;
  version?: number;
  stockVersion?: number;
  deleted?: boolean;
};

const DESCRIPTION = 'as the product service tells it';

export async function playProductService({ issuer, audience, jwksUrl }: TestTokens) {
  const products = new Map<number, TestProduct>();
  const asked: (readonly number[])[] = [];
  const logger = silentLogger();
  const unasked = async (): Promise<never> => {
    throw new AppError({ code: 'METHOD_NOT_ALLOWED', message: 'An order does not ask this.' });
  };
  const server = createGrpcServer({
    service: 'product',
    host: '127.0.0.1',
    port: 0,
    services: [
      {
        definition: ProductServiceDefinition,
        implementation: {
          async batchGetProducts({ ids }, call) {
            requireService(call);
            asked.push(ids);
            const found = ids.flatMap((id) => products.get(id) ?? []);
            return { products: found.map((product) => ({ ...DEFAULTS, ...product })) };
          },
          getProduct: unasked,
          listProducts: unasked,
          searchProducts: unasked,
          suggestProducts: unasked,
        },
      },
    ],
    verifier: createVerifier({ issuer, audience, jwksUrl, logger }),
    serviceKey: TEST_SERVICE_KEY,
    logger,
    metrics: createMetrics('product'),
  });
  await server.start();
  const proxy = await tcpProxy(`tcp://${server.address}`);
  return {
    address: `127.0.0.1:${proxy.port}`,
    products,
    /** The ids of each call that came through. */
    asked,
    leave: () => proxy.cut(),
    comeBack: () => proxy.heal(),
    async stop() {
      await proxy.stop();
      await server.stop();
    },
  };
}

const DEFAULTS = { description: DESCRIPTION, currency: 'USD', version: 1, stockVersion: 0, deleted: false };
