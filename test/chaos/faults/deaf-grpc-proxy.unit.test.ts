import assert from 'node:assert/strict';
import { PaymentServiceDefinition } from '@punctual/contracts/grpc/payment';
import { createGrpcServer, type GrpcServer } from '@punctual/grpc';
import { createLocalVerifier, notFound } from '@punctual/http';
import { createMetrics, silentLogger } from '@punctual/telemetry';
import { grpcRefusal, TEST_SERVICE_KEY, testGrpcClient } from '@punctual/testing';
import { type DeafProxy, deafGrpcProxy } from './deaf-grpc-proxy.ts';

const TAKE_MONEY = '/punctual.v1.PaymentService/ProcessPayment';

describe('the proxy that loses answers', () => {
  let server: GrpcServer;
  let proxy: DeafProxy;
  let client: ReturnType<typeof testGrpcClient<typeof PaymentServiceDefinition>>;
  let processed = 0;
  let left = 0;

  before(async () => {
    const unused = async () => ({});
    server = createGrpcServer({
      service: 'payment',
      host: '127.0.0.1',
      port: 0,
      services: [
        {
          definition: PaymentServiceDefinition,
          implementation: {
            async processPayment({ id }) {
              processed += 1;
              return { payment: { id } };
            },
            getPayment: async ({ id }) => {
              throw notFound('payment', id);
            },
            createPayment: async ({ orderId }) => ({ payment: { orderId } }),
            batchGetPaymentsOfOrders: unused,
            listPayments: unused,
            refundPayment: unused,
          },
        },
      ],
      verifier: createLocalVerifier({ keys: { keys: [] }, issuer: 'test', audience: 'test' }),
      serviceKey: TEST_SERVICE_KEY,
      logger: silentLogger(),
      metrics: createMetrics('payment'),
    });
    await server.start();
    proxy = await deafGrpcProxy({
      target: server.address,
      method: TAKE_MONEY,
      loses() {
        left -= 1;
        return left >= 0;
      },
    });
    client = testGrpcClient({
      definition: PaymentServiceDefinition,
      address: proxy.address,
    });
  });
  after(async () => {
    client.close();
    await proxy.stop();
    await server.stop();
  });

  it('passes everything on while it loses nothing, refusals too', async () => {
    left = 0;
    assert.equal((await client.calls.processPayment({ id: 7 })).payment?.id, 7);
    const { code, details } = await grpcRefusal(client.calls.getPayment({ id: 8 }));
    assert.deepEqual([code, details], ['NOT_FOUND', { resource: 'payment', id: 8 }]);
    assert.equal(proxy.lost(), 0);
  });

  it('loses the answer after the server has done its work; what may be repeated is', async () => {
    left = 1;
    processed = 0;
    assert.equal((await client.calls.processPayment({ id: 9 })).payment?.id, 9);
    assert.deepEqual([processed, proxy.lost()], [2, 1]);
    left = 1;
    assert.equal((await client.calls.createPayment({ orderId: 3 })).payment?.orderId, 3);
    assert.equal(proxy.lost(), 1);
  });

  it('is as good as a server that is away when it loses all of them', async () => {
    left = 100;
    assert.equal((await grpcRefusal(client.calls.processPayment({ id: 10 }))).code, 'UNAVAILABLE');
    assert.ok(proxy.lost() > 1);
  });
});
