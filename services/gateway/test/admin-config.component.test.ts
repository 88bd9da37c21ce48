import assert from 'node:assert/strict';
import { eventually, testEtcd } from '@punctual/testing';
import {
  CLOSED_ADDRESS,
  errorOf,
  type GatewayFixture,
  sharedTokens,
  startGateway,
  startUpstream,
  stopTokens,
  type UpstreamApp,
} from './gateway-fixture.ts';

type Setting = { key: string; value: unknown; revision: string };

describe('settings at the gateway', function () {
  this.timeout(60_000);
  let product: UpstreamApp;
  let gateway: GatewayFixture;
  let admin: string;

  before(async () => {
    const { endpoints, prefix } = testEtcd('admin');
    product = await startUpstream();
    gateway = await startGateway(
      { product: product.url },
      { ETCD_ENDPOINTS: endpoints.join(','), ETCD_PREFIX: prefix, RATE_LIMIT_BURST: '500' },
    );
    admin = await (await sharedTokens()).token({ userId: 1, email: 'admin@punctual.test', role: 'admin' });
  });
  after(async () => {
    await gateway.stop();
    await product.stop();
    await stopTokens();
  });

  function call(method: string, path: string, options: { token?: string; body?: unknown; ifMatch?: string } = {}) {
    const { token = admin, body, ifMatch } = options;
    return fetch(`${gateway.url}/admin/config${path}`, {
      method,
      headers: {
        ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  }

  it('are for administrators alone', async () => {
    const customer = await (await sharedTokens()).token({ userId: 2 });
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/audit'],
      ['PUT', '/log_level'],
      ['DELETE', '/log_level'],
    ] as const) {
      assert.equal((await call(method, path, { token: '' })).status, 401);
      assert.equal((await call(method, path, { token: customer })).status, 403);
    }
    assert.equal((await call('POST', '')).status, 405);
  });

  it('are taken up by the gateway within a second, told in the audit, and back at their default when deleted', async () => {
    const usual = (await fetch(`${gateway.url}/products/5`)).headers.get('ratelimit-policy');
    const value = { per_second: 7, burst: 7 };
    const changed = await call('PUT', '/rate_limit.product', { body: { value } });
    assert.equal(changed.status, 200);
    await eventually(
      async () =>
        assert.equal((await fetch(`${gateway.url}/products/5`)).headers.get('ratelimit-policy'), '"product";q=7;w=1'),
      { timeoutMs: 20_000, intervalMs: 200 },
    );
    const { data } = (await (await call('GET', '')).json()) as { data: Setting[] };
    assert.deepEqual(data.find(({ key }) => key === 'rate_limit.product')?.value, value);
    const { data: notes } = (await (await call('GET', '/audit?limit=1')).json()) as {
      data: { who: string; to: unknown }[];
    };
    assert.deepEqual([notes.length, notes[0]?.who, notes[0]?.to], [1, 'admin@punctual.test', value]);

    assert.equal((await call('DELETE', '/rate_limit.product')).status, 200);
    await eventually(
      async () => assert.equal((await fetch(`${gateway.url}/products/5`)).headers.get('ratelimit-policy'), usual),
      { timeoutMs: 20_000, intervalMs: 200 },
    );
  });

  it('are refused with what is wrong', async () => {
    const bad = await call('PUT', '/order.timers', { body: { value: { reminders: ['4h'], expiry: '2h' } } });
    assert.equal(bad.status, 400);
    assert.deepEqual((await errorOf(bad)).details, [
      { field: 'value.reminders', message: 'must all be before the expiry' },
    ]);
    assert.equal((await call('PUT', '/log_level', { body: {} })).status, 400);
    assert.equal((await call('PUT', '/log_level', { body: { value: null } })).status, 400);
    assert.equal((await call('PUT', '/unheard_of', { body: { value: 1 } })).status, 404);
    assert.equal((await call('GET', '/audit?limit=0')).status, 400);
  });

  it('are not changed by somebody who has not seen the change before', async () => {
    const first = await call('PUT', '/flags.search_opensearch', { body: { value: true } });
    const etag = first.headers.get('etag') ?? '';
    assert.match(etag, /^"\d+"$/);
    assert.equal(
      (await call('PUT', '/flags.search_opensearch', { body: { value: false }, ifMatch: etag })).status,
      200,
    );
    const late = await call('DELETE', '/flags.search_opensearch', { ifMatch: etag });
    assert.deepEqual([late.status, (await errorOf(late)).code], [409, 'VERSION_CONFLICT']);
    assert.equal((await call('DELETE', '/flags.search_opensearch', { ifMatch: 'newest' })).status, 400);
  });

  it('are answered 503 when etcd is away, or was never there', async () => {
    for (const env of [{}, { ETCD_ENDPOINTS: CLOSED_ADDRESS }]) {
      const other = await startGateway({ product: product.url }, env);
      const response = await fetch(`${other.url}/admin/config`, { headers: { authorization: `Bearer ${admin}` } });
      assert.deepEqual([response.status, (await errorOf(response)).details], [503, { dependency: 'etcd' }]);
      assert.equal((await fetch(`${other.url}/products/5`)).status, 200);
      await other.stop();
    }
  });
});
