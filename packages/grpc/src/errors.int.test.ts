import assert from 'node:assert/strict';
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { ERROR_GRPC_STATUS, ERROR_STATUS, type ErrorCode, orderApi } from '@punctual/contracts';
import { GetProductRequest } from '@punctual/contracts/grpc/product';
import { AppError, rateLimited, unavailable, validationFailed } from '@punctual/http';
import { startClient, startServer, type TestClient, type TestServer } from '../test/grpc-fixture.ts';
import { isUnanswered, parseId, parseIds, parseMessage, parseWindow } from './index.ts';

const CODES = Object.keys(ERROR_STATUS) as ErrorCode[];
const GET_PRODUCT = '/punctual.v1.ProductService/GetProduct';

describe('An error over gRPC', () => {
  let thrown: unknown;
  let target: TestServer;
  let client: TestClient;
  let raw: Client;

  before(async () => {
    target = await startServer({
      async getProduct(request) {
        if (thrown !== undefined) throw thrown;
        return { product: { id: parseId(request.id) } };
      },
      async suggestProducts(request) {
        return { suggestions: [{ productId: 1, name: request.q }] };
      },
      async batchGetProducts({ ids }) {
        return { products: parseIds(ids).map((id) => ({ id })) };
      },
      async listProducts({ window }) {
        const { limit, offset } = parseWindow(window);
        return { info: { total: limit + offset } };
      },
    });
    client = startClient(target.server.address);
    raw = new Client(target.server.address, credentials.createInsecure());
  });
  beforeEach(() => {
    thrown = undefined;
  });
  after(async () => {
    client.close();
    raw.close();
    await target.server.stop();
  });

  const failure = async (call: Promise<unknown>): Promise<AppError> => {
    const error = await call.then(
      () => assert.fail('no error'),
      (reason: unknown) => reason,
    );
    assert.ok(error instanceof AppError, String(error));
    return error;
  };

  /** A call whose bytes the test chooses, as a client of another make would send them. */
  const callRaw = (bytes: Uint8Array, metadata = new Metadata()): Promise<ServiceError> =>
    new Promise((resolve, reject) => {
      raw.makeUnaryRequest(
        GET_PRODUCT,
        () => Buffer.from(bytes),
        (answer) => answer,
        {},
        metadata,
        (error) => {
          if (error === null) reject(new Error('no error'));
          else resolve(error);
        },
      );
    });

  for (const code of CODES) {
    it(`arrives as it was thrown: ${code}`, async () => {
      thrown = new AppError({ code, message: `because of ${code} – ü`, details: { of: [code] }, retryable: true });
      const error = await failure(client.calls.getProduct({ id: 1 }));
      assert.deepEqual(
        {
          code: error.code,
          status: error.status,
          message: error.message,
          details: error.details,
          retryable: error.retryable,
        },
        {
          code,
          status: ERROR_STATUS[code],
          message: `because of ${code} – ü`,
          details: { of: [code] },
          retryable: true,
        },
      );
      const seen = await callRaw(GetProductRequest.encode({ id: 1 }).finish());
      assert.equal(seen.code, status[ERROR_GRPC_STATUS[code]]);
    });
  }

  it('of a command, told by its code, is what it is over HTTP', async () => {
    thrown = Object.assign(new Error('Sold out.'), { code: 'OUT_OF_STOCK', details: { product_id: 3 } });
    const error = await failure(client.calls.getProduct({ id: 1 }));
    assert.deepEqual([error.code, error.message, error.details], ['OUT_OF_STOCK', 'Sold out.', { product_id: 3 }]);
  });

  it('that was not foreseen shows nothing and is logged whole', async () => {
    thrown = new Error('password=hunter2 at 10.0.0.7');
    target.lines.length = 0;
    const seen = await callRaw(GetProductRequest.encode({ id: 1 }).finish());
    assert.equal(seen.code, status.INTERNAL);
    assert.equal(JSON.stringify([seen.details, seen.metadata.toJSON()]).includes('hunter2'), false);
    assert.equal(Buffer.concat(seen.metadata.get('punctual-error-bin') as Buffer[]).includes('hunter2'), false);
    const line = target.lines.find(({ level }) => level === 'error');
    assert.match(String(line?.fields.error), /hunter2/);
  });

  it('of an answer that cannot be encoded shows nothing', async () => {
    const odd = await startServer({ getProduct: async () => ({ product: { version: 2 ** 40 } }) });
    const direct = startClient(odd.server.address);
    try {
      const error = await failure(direct.calls.getProduct({ id: 1 }));
      assert.ok(isUnanswered(error));
      assert.ok(odd.lines.some(({ message }) => message === 'an answer cannot be encoded'));
      assert.match(String(error.cause), /INTERNAL: Error serializing response$/);
    } finally {
      direct.close();
      await odd.server.stop();
    }
  });

  it('says when to come back', async () => {
    thrown = unavailable('database', 3);
    const seen = await callRaw(GetProductRequest.encode({ id: 1 }).finish());
    assert.deepEqual([seen.code, seen.metadata.get('retry-after')], [status.UNAVAILABLE, ['3']]);
    thrown = rateLimited(7);
    const error = await failure(client.calls.getProduct({ id: 1 }));
    assert.deepEqual([error.code, error.headers], ['RATE_LIMITED', { 'retry-after': '7' }]);
  });

  it('leaves details behind that a trailer cannot carry', async () => {
    thrown = validationFailed([{ field: 'x', message: 'y'.repeat(100_000) }]);
    const error = await failure(client.calls.getProduct({ id: 1 }));
    assert.deepEqual([error.code, error.details], ['VALIDATION_FAILED', undefined]);
  });

  it('is INVALID_ARGUMENT for bytes that are no message, and for integers beyond 2^53', async () => {
    for (const bytes of [
      Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0xff]),
      Buffer.from([0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
      Buffer.from([0x08]),
    ]) {
      const seen = await callRaw(bytes);
      assert.equal(seen.code, status.INVALID_ARGUMENT, seen.details);
    }
  });

  it('is INVALID_ARGUMENT for ids that no row has', async () => {
    for (const id of [0, -1, Number.MIN_SAFE_INTEGER]) {
      const error = await failure(client.calls.getProduct({ id }));
      assert.deepEqual(error.details, [{ field: 'id', message: 'must be a positive integer' }]);
    }
    const error = await failure(client.calls.batchGetProducts({ ids: [1, 0] }));
    assert.deepEqual(error.details, [{ field: 'ids[1]', message: 'must be a positive integer' }]);
    const ids = Array.from({ length: 1_001 }, (_, index) => index + 1);
    assert.equal((await failure(client.calls.batchGetProducts({ ids }))).code, 'VALIDATION_FAILED');
  });

  it('is INVALID_ARGUMENT for text that cannot be stored', async () => {
    const error = await failure(client.calls.suggestProducts({ q: 'a\0b' }));
    assert.deepEqual(error.details, [{ field: 'q', message: 'must not contain a NUL character' }]);
  });

  it('is INVALID_ARGUMENT for windows that no list has', async () => {
    assert.equal((await client.calls.listProducts({})).info?.total, 20);
    for (const window of [{ limit: 0 }, { limit: 101 }, { offset: -1 }, { offset: 999_901 }]) {
      assert.equal((await failure(client.calls.listProducts({ window }))).code, 'VALIDATION_FAILED');
    }
  });

  it('is RESOURCE_EXHAUSTED, said by the library, for a message that is too long to be one of ours', async () => {
    const seen = await callRaw(Buffer.alloc(1_100_000));
    assert.equal(seen.code, status.RESOURCE_EXHAUSTED);
  });

  it('of a body names its fields as HTTP does', () => {
    assert.throws(
      () => parseMessage(orderApi.placeOrderBody, { request_id: 'r-1', items: [{ product_id: 0, quantity: 1 }] }),
      (error: unknown) => error instanceof AppError && JSON.stringify(error.details).includes('items[0].product_id'),
    );
  });
});
