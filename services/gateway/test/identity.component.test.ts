import assert from 'node:assert/strict';
import {
  answerJson,
  errorOf,
  type GatewayFixture,
  sendRaw,
  sharedTokens,
  startGateway,
  startUpstream,
  stopTokens,
  type UpstreamApp,
} from './gateway-fixture.ts';

describe('identity at the edge', () => {
  let order: UpstreamApp;
  let product: UpstreamApp;
  let gateway: GatewayFixture;
  let customer: string;
  let admin: string;

  before(async () => {
    const tokens = await sharedTokens();
    customer = `Bearer ${await tokens.token({ userId: 7 })}`;
    admin = `Bearer ${await tokens.token({ userId: 1, role: 'admin' })}`;
    order = await startUpstream(answerJson);
    product = await startUpstream(answerJson);
    gateway = await startGateway({ order: order.url, product: product.url });
  });
  after(async () => {
    await gateway.stop();
    await order.stop();
    await product.stop();
    await stopTokens();
  });

  const call = (path: string, authorization?: string, init: RequestInit = {}): Promise<Response> =>
    fetch(gateway.url + path, { ...init, ...(authorization === undefined ? {} : { headers: { authorization } }) });

  it('refuses a route for users without a token, before the service sees it', async () => {
    const before = order.requests.length;
    for (const path of ['/orders', '/orders/5', '/api/v1/orders/5/timeline', '/orders/my-orders/']) {
      const response = await call(path);
      assert.equal(response.status, 401, path);
      assert.match(response.headers.get('www-authenticate') ?? '', /^Bearer/);
      assert.equal((await errorOf(response)).code, 'UNAUTHENTICATED');
    }
    assert.equal(order.requests.length, before);
  });

  it('passes the token on, and nothing that claims who the user is (S13)', async () => {
    const answer = await sendRaw(
      gateway.port,
      [
        'GET /orders/5 HTTP/1.1',
        'Host: a',
        `Authorization: ${customer}`,
        'X-User-Id: 1',
        'X_User_Id: 1',
        'X-Role: admin',
        'X-Trace-Hint: kept',
        'X-Forwarded-For: 6.6.6.6',
        'X-Forwarded-Base: https://evil.example',
        'Forwarded: for=6.6.6.6',
        'X-Real-Ip: 6.6.6.6',
        'X-Http-Method-Override: DELETE',
        'X-Custom: hop',
        'Connection: close, X-Custom, X-User-Id',
        '',
        '',
      ].join('\r\n'),
    );
    assert.match(answer, /^HTTP\/1\.1 200 /);
    const headers = order.requests.at(-1)?.headers ?? {};
    assert.equal(headers.authorization, customer);
    assert.equal(headers['x-trace-hint'], 'kept');
    assert.equal(headers['x-forwarded-for'], '127.0.0.1');
    assert.equal(headers['x-forwarded-base'], 'https://shop.example');
    for (const name of [
      'x-user-id',
      'x_user_id',
      'x-role',
      'forwarded',
      'x-real-ip',
      'x-http-method-override',
      'x-custom',
    ]) {
      assert.equal(headers[name], undefined, name);
    }
  });

  it('refuses identity headers in place of a token (S13)', async () => {
    const response = await fetch(`${gateway.url}/orders`, { headers: { 'x-user-id': '1', 'x-role': 'admin' } });
    assert.equal(response.status, 401);
  });

  it('refuses every token that is not a good access token, on public routes too', async () => {
    const tokens = await sharedTokens();
    const bad = {
      expired: `Bearer ${await tokens.token({ userId: 7, expiresInSeconds: -10 })}`,
      'of another issuer': `Bearer ${await tokens.token({ userId: 7, issuer: 'else' })}`,
      'for another audience': `Bearer ${await tokens.token({ userId: 7, audience: 'else' })}`,
      tampered: `${customer.slice(0, -6)}AAAAAA`,
      unsigned: `Bearer ${Buffer.from('{"alg":"none","typ":"at+jwt"}').toString('base64url')}.${customer.split('.')[1]}.`,
      'of another scheme': 'Basic dXNlcjpwYXNz',
      nonsense: 'Bearer x',
      empty: 'Bearer ',
    };
    const before = product.requests.length;
    for (const [name, authorization] of Object.entries(bad)) {
      const response = await call('/products', authorization);
      assert.equal(response.status, 401, name);
      assert.match(response.headers.get('www-authenticate') ?? '', /error="invalid_token"/, name);
    }
    assert.equal(product.requests.length, before);
  });

  it('lets public routes through without a token', async () => {
    assert.equal((await call('/products')).status, 200);
    assert.equal((await call('/products/5', undefined, { method: 'HEAD' })).status, 200);
  });

  it('lets only an admin on an admin’s route', async () => {
    const method = 'DELETE';
    assert.equal((await call('/products/5', undefined, { method })).status, 401);
    const refused = await call('/products/5', customer, { method });
    assert.deepEqual([refused.status, (await errorOf(refused)).code], [403, 'FORBIDDEN']);
    assert.equal((await call('/api/v1/products/5/events', customer)).status, 403);
    assert.equal((await call('/products/5', admin, { method })).status, 200);
  });

  it('leaves what no contract knows to the service', async () => {
    assert.equal((await call('/products/5/unknown', undefined, { method: 'POST' })).status, 200);
  });

  it('answers 503 while no keys are to be had', async () => {
    const keyless = await startGateway({ product: product.url }, { JWKS_URL: 'http://127.0.0.1:9/jwks' });
    try {
      const response = await fetch(`${keyless.url}/products`, { headers: { authorization: customer } });
      assert.deepEqual([response.status, response.headers.get('retry-after')], [503, '1']);
      assert.equal((await errorOf(response)).code, 'UNAVAILABLE');
      assert.equal((await fetch(`${keyless.url}/products`)).status, 200);
    } finally {
      await keyless.stop();
    }
  });
});
