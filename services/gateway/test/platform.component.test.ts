import assert from 'node:assert/strict';
import { type AsyncApiDocument, messageTypes, PROTO_NAMES, TOPICS } from '@punctual/contracts';
import {
  answerJson,
  errorOf,
  type GatewayFixture,
  startGateway,
  startUpstream,
  stopTokens,
  type UpstreamApp,
} from './gateway-fixture.ts';

const ORIGIN = 'https://shop.example';

describe('what the gateway answers itself', () => {
  let product: UpstreamApp;
  let isProductReady = true;
  let gateway: GatewayFixture;

  before(async () => {
    product = await startUpstream((req, res) => {
      if (req.url === '/health/ready') res.writeHead(isProductReady ? 200 : 503).end();
      else answerJson(req, res);
    });
    gateway = await startGateway({ product: product.url }, { CORS_ORIGINS: ORIGIN });
  });
  after(async () => {
    await gateway.stop();
    await product.stop();
    await stopTokens();
  });

  it('is live and, with its services ready, ready, under both mounts', async () => {
    for (const mount of ['', '/api/v1']) {
      const live = await fetch(`${gateway.url}${mount}/health/live`);
      assert.deepEqual([live.status, await live.json()], [200, { data: { status: 'live' } }]);
      const ready = await fetch(`${gateway.url}${mount}/health/ready`);
      assert.equal(ready.status, 200);
      const { data } = (await ready.json()) as {
        data: { status: string; checks: Record<string, unknown>; dependencies: Record<string, string> };
      };
      assert.equal(data.status, 'ready');
      assert.deepEqual(data.checks, { product: { status: 'up' }, redis: { status: 'degraded' } });
      assert.deepEqual(new Set(Object.values(data.dependencies)), new Set(['closed']));
      assert.deepEqual(Object.keys(data.dependencies).sort(), [
        'auth',
        'order',
        'payment',
        'product',
        'product-http',
        'redis',
      ]);
    }
    assert.equal((await fetch(`${gateway.url}/health`)).status, 200);
  });

  it('is not ready while a service is not, and stays live', async () => {
    const other = await startGateway({ product: product.url });
    isProductReady = false;
    try {
      const ready = await fetch(`${other.url}/health/ready`);
      assert.deepEqual([ready.status, ready.headers.get('retry-after')], [503, '1']);
      const error = await errorOf(ready);
      assert.equal(error.code, 'UNAVAILABLE');
      assert.deepEqual((error.details as { checks: unknown }).checks, {
        product: { status: 'down' },
        redis: { status: 'degraded' },
      });
      assert.equal((await fetch(`${other.url}/health/live`)).status, 200);
    } finally {
      isProductReady = true;
      await other.stop();
    }
  });

  it('refuses other methods with 405', async () => {
    for (const path of [
      '/health',
      '/metrics',
      '/openapi.json',
      '/asyncapi.json',
      '/docs',
      '/docs/grpc',
      '/docs/events',
    ]) {
      const response = await fetch(gateway.url + path, { method: 'POST' });
      assert.deepEqual([response.status, response.headers.get('allow')], [405, 'GET, HEAD'], path);
    }
    assert.equal((await fetch(`${gateway.url}/health/unknown`)).status, 404);
    for (const path of ['/docs/package.json', '/docs/proto/unknown.proto', '/docs/proto/../order.proto'])
      assert.equal((await fetch(gateway.url + path)).status, 404, path);
  });

  it('shows metrics of requests by service and status', async () => {
    await fetch(`${gateway.url}/products/5`);
    const text = await (await fetch(`${gateway.url}/metrics`)).text();
    assert.ok(
      /^http_request_duration_seconds_count\{.*method="GET",upstream="product",status="200"\} \d+$/m.test(text),
    );
    assert.ok(/^gateway_in_flight\{upstream="product",service="gateway"\} 0$/m.test(text));
    assert.ok(/^process_resident_memory_bytes/m.test(text));
  });

  it('documents every route, at the public address', async () => {
    const document = (await (await fetch(`${gateway.url}/openapi.json`)).json()) as {
      openapi: string;
      servers: { url: string }[];
      paths: Record<string, Record<string, unknown>>;
    };
    assert.equal(document.openapi, '3.1.0');
    assert.deepEqual(document.servers, [{ url: 'https://shop.example' }, { url: 'https://shop.example/api/v1' }]);
    for (const path of [
      '/auth/register',
      '/products/{id}/stock',
      '/orders/{id}/timeline',
      '/health/ready',
      '/payments/webhooks/{provider}',
      '/docs/grpc',
      '/asyncapi.json',
    ]) {
      assert.ok(document.paths[path], path);
    }
  });

  it('documents every event and queue, under both mounts', async () => {
    for (const mount of ['', '/api/v1']) {
      const response = await fetch(`${gateway.url}${mount}/asyncapi.json`);
      assert.equal(response.status, 200);
      assert.match(response.headers.get('content-type') ?? '', /^application\/json/);
      const document = (await response.json()) as AsyncApiDocument;
      assert.equal(document.asyncapi, '3.0.0');
      assert.deepEqual(Object.keys(document.components.messages), messageTypes);
      for (const topic of TOPICS) assert.ok(document.channels[`topic.${topic}`], topic);
    }
  });

  it('leads from each page of the documentation to the others and to what machines read', async () => {
    const raw = { '': '/openapi.json', '/grpc': '/docs/proto/order.proto', '/events': '/asyncapi.json' };
    for (const mount of ['', '/api/v1']) {
      for (const [page, document] of Object.entries(raw)) {
        const html = await (await fetch(`${gateway.url}${mount}/docs${page}`)).text();
        for (const other of Object.keys(raw))
          assert.ok(html.includes(`href="${mount}/docs${other}"`), `${page} ${other}`);
        assert.ok(html.includes(`href="${mount}/docs${page}" aria-current="page"`), page);
        assert.ok(html.includes(`href="${mount}${document}"`), document);
      }
      const events = await (await fetch(`${gateway.url}${mount}/docs/events`)).text();
      for (const type of messageTypes) assert.ok(events.includes(`<section id="${type}">`), type);
    }
  });

  it('serves the .proto files as they are', async () => {
    for (const name of PROTO_NAMES) {
      const response = await fetch(`${gateway.url}/api/v1/docs/proto/${name}.proto`);
      assert.deepEqual([response.status, response.headers.get('content-type')], [200, 'text/plain; charset=utf-8']);
      assert.match(await response.text(), /^syntax = "proto3";\n\npackage punctual\.v1;/);
    }
  });

  it('serves documentation pages that load nothing from elsewhere', async () => {
    for (const base of ['/docs', '/docs/', '/api/v1/docs', '/docs/grpc', '/docs/events', '/api/v1/docs/events']) {
      const response = await fetch(gateway.url + base);
      assert.equal(response.status, 200);
      assert.match(response.headers.get('content-security-policy') ?? '', /script-src 'self';/);
      const html = await response.text();
      assert.doesNotMatch(html, /<script>|https?:\/\//);
      const assets = [...html.matchAll(/(?:src|href)="([^"#]+)"/g)].map((match) => match[1] ?? '');
      assert.ok(assets.length >= 3);
      for (const asset of assets) {
        const loaded = await fetch(gateway.url + asset);
        assert.equal(loaded.status, 200, asset);
        await loaded.body?.cancel();
      }
    }
  });

  it('lets scripts of the configured origins call, and no others', async () => {
    const preflight = await fetch(`${gateway.url}/orders`, {
      method: 'OPTIONS',
      headers: {
        origin: ORIGIN,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization',
      },
    });
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers.get('access-control-allow-origin'), ORIGIN);
    assert.match(preflight.headers.get('access-control-allow-headers') ?? '', /Authorization/);
    assert.match(preflight.headers.get('access-control-allow-methods') ?? '', /PATCH/);

    const allowed = await fetch(`${gateway.url}/products/5`, { headers: { origin: ORIGIN } });
    assert.equal(allowed.headers.get('access-control-allow-origin'), ORIGIN);
    assert.match(allowed.headers.get('access-control-expose-headers') ?? '', /ETag.*RateLimit.*Retry-After/);
    const refused = await fetch(`${gateway.url}/unknown`, { headers: { origin: ORIGIN } });
    assert.deepEqual([refused.status, refused.headers.get('access-control-allow-origin')], [404, ORIGIN]);

    const stranger = await fetch(`${gateway.url}/products/5`, { headers: { origin: 'https://evil.example' } });
    assert.deepEqual([stranger.status, stranger.headers.get('access-control-allow-origin')], [200, null]);
    const plain = await fetch(`${gateway.url}/products/5`);
    assert.match(plain.headers.get('vary') ?? '', /Origin/);
  });
});
