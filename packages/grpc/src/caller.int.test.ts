import assert from 'node:assert/strict';
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { createVerifier } from '@punctual/http';
import { type TestTokens, testTokens } from '@punctual/testing';
import { recordingLogger, SERVICE_KEY, startClient, startServer, type TestServer } from '../test/grpc-fixture.ts';
import { clientAddressOf, requireAdmin, requireIdentity, requireService } from './index.ts';
import { createServiceTokens } from './service-tokens.ts';

const SERVICE_PATH = '/punctual.v1.ProductService';

describe('Who calls', () => {
  let tokens: TestTokens;
  let target: TestServer;
  let client: Client;

  before(async () => {
    tokens = await testTokens();
    const { issuer, audience, jwksUrl } = tokens;
    target = await startServer(
      {
        async getProduct(_request, call) {
          return { product: { id: (await requireIdentity(call)).userId } };
        },
        async listProducts(_request, call) {
          return { info: { total: (await requireAdmin(call)).userId } };
        },
        async batchGetProducts(_request, call) {
          return { products: [{ name: requireService(call) }] };
        },
        async suggestProducts(_request, call) {
          return { suggestions: [{ name: clientAddressOf(call) }] };
        },
      },
      { verifier: createVerifier({ issuer, audience, jwksUrl, logger: recordingLogger().logger }) },
    );
    client = new Client(target.server.address, credentials.createInsecure());
  });
  after(async () => {
    client.close();
    await target.server.stop();
    await tokens.stop();
  });

  /** The status of a call with just this metadata, and the text of its answer. */
  const call = (method: string, carried: Record<string, string>): Promise<{ code: status; text: string }> =>
    new Promise((resolve) => {
      const metadata = new Metadata();
      for (const [key, value] of Object.entries(carried)) metadata.set(key, value);
      client.makeUnaryRequest(
        `${SERVICE_PATH}/${method}`,
        () => Buffer.alloc(0),
        (bytes) => bytes.toString('latin1'),
        {},
        metadata,
        (error: ServiceError | null, text) => {
          resolve({ code: error?.code ?? status.OK, text: text ?? '' });
        },
      );
    });
  const codeOf = async (method: string, carried: Record<string, string> = {}) => (await call(method, carried)).code;
  const bearer = async (options: Parameters<TestTokens['token']>[0]) => ({
    authorization: `Bearer ${await tokens.token(options)}`,
  });

  it('is the user whose token came along', async () => {
    assert.equal(await codeOf('GetProduct', await bearer({ userId: 7 })), status.OK);
    assert.equal(target.lines.find(({ message }) => message === 'call')?.fields.user_id, 7);
  });

  it('is nobody without a good token', async () => {
    const good = await tokens.token({ userId: 7 });
    const [, payload] = good.split('.');
    const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'at+jwt' })).toString('base64url');
    const stranger = await testTokens();
    try {
      for (const authorization of [
        undefined,
        '',
        good,
        'Basic YTpi',
        'Bearer nonsense',
        `Bearer ${none}.${payload}.`,
        `Bearer ${await stranger.token({ userId: 7 })}`,
        `Bearer ${await tokens.token({ userId: 7, expiresInSeconds: -1 })}`,
        `Bearer ${await tokens.token({ userId: 7, audience: 'others' })}`,
        `Bearer ${await tokens.token({ userId: 7, issuer: 'others' })}`,
        `Bearer ${await createServiceTokens(SERVICE_KEY).sign('order')}`,
      ]) {
        const code = await codeOf('GetProduct', authorization === undefined ? {} : { authorization });
        assert.equal(code, status.UNAUTHENTICATED, authorization);
      }
    } finally {
      await stranger.stop();
    }
  });

  it('is an admin only with the role', async () => {
    assert.equal(await codeOf('ListProducts', await bearer({ userId: 1, role: 'admin' })), status.OK);
    assert.equal(await codeOf('ListProducts', await bearer({ userId: 7 })), status.PERMISSION_DENIED);
    assert.equal(await codeOf('ListProducts'), status.UNAUTHENTICATED);
  });

  it('is a service with a service token, and not with a user’s or a stranger’s', async () => {
    const order = startClient(target.server.address);
    const { products } = await order.calls.batchGetProducts({ ids: [] });
    assert.equal(products[0]?.name, 'order');
    order.close();
    const foreign = await createServiceTokens('a-key-of-somebody-else-0123456789abc').sign('order');
    for (const carried of [
      {},
      { 'service-token': foreign },
      { 'service-token': await tokens.token({ userId: 1, role: 'admin' }) },
      await bearer({ userId: 1, role: 'admin' }),
    ]) {
      assert.equal(await codeOf('BatchGetProducts', carried), status.UNAUTHENTICATED);
    }
  });

  it('is at the address that a service states, and at that of the connection when anybody else does', async () => {
    const token = await createServiceTokens(SERVICE_KEY).sign('gateway');
    const stated = { 'client-address': '203.0.113.9' };
    assert.match((await call('SuggestProducts', { ...stated, 'service-token': token })).text, /203\.0\.113\.9/);
    for (const carried of [
      stated,
      { ...stated, 'service-token': 'forged' },
      { 'client-address': 'not an address', 'service-token': token },
    ]) {
      assert.match((await call('SuggestProducts', carried)).text, /127\.0\.0\.1/);
    }
  });
});
