import assert from 'node:assert/strict';
import {
  type GatewayFixture,
  sendRaw,
  startGateway,
  startUpstream,
  stopTokens,
  type UpstreamApp,
} from './gateway-fixture.ts';

describe('requests through the gateway', () => {
  let product: UpstreamApp;
  let gateway: GatewayFixture;

  before(async () => {
    product = await startUpstream((req, res) => {
      if (req.url === '/products/empty') {
        res.writeHead(204).end();
      } else if (req.url === '/products/same') {
        res.writeHead(304, { etag: '"7"' }).end();
      } else if (req.url === '/products/chunked') {
        res.writeHead(200, { 'content-type': 'application/json' });
        res.write('{"data":');
        res.end('"in parts"}');
      } else if (req.url === '/products/forbidden') {
        res
          .writeHead(405, { allow: 'GET', 'content-type': 'application/json' })
          .end('{"error":{"code":"METHOD_NOT_ALLOWED"}}');
      } else if (req.url === '/products/created') {
        res.writeHead(201, { location: '/products/5', 'content-type': 'application/json' }).end('{"data":{}}');
      } else if (req.url === '/products/chatty') {
        res.writeHead(200, {
          'content-type': 'application/json',
          server: 'inner/1.0',
          'x-powered-by': 'Express',
          'x-internal-node': 'a',
          'x-frame-options': 'ALLOWALL',
          'access-control-allow-origin': '*',
          connection: 'keep-alive, x-hop',
          'x-hop': 'this hop only',
          etag: '"3"',
        });
        res.end('{"data":{}}');
      } else if (req.url === '/products/large') {
        res.writeHead(200, { 'content-type': 'application/octet-stream' }).end(Buffer.alloc(5_000_000, 'x'));
      } else {
        let body = '';
        req.on('data', (chunk) => {
          body += chunk;
        });
        req.on('end', () => {
          res.writeHead(200, { 'content-type': 'application/json', vary: 'Accept' });
          res.end(JSON.stringify({ data: { method: req.method, url: req.url, headers: req.headers, body } }));
        });
      }
    });
    gateway = await startGateway({ product: product.url });
  });
  after(async () => {
    await gateway.stop();
    await product.stop();
    await stopTokens();
  });

  async function seenBy(
    path: string,
    init: RequestInit = {},
  ): Promise<{ url: string; headers: Record<string, string>; body: string }> {
    const response = await fetch(gateway.url + path, init);
    assert.equal(response.status, 200);
    const answer = (await response.json()) as { data: { url: string; headers: Record<string, string>; body: string } };
    return answer.data;
  }

  it('reach the service under both mounts, with the public address to build links on', async () => {
    const plain = await seenBy('/products/echo?q=a%20b&page=2');
    assert.equal(plain.url, '/products/echo?q=a%20b&page=2');
    assert.equal(plain.headers['x-forwarded-base'], 'https://shop.example');
    const versioned = await seenBy('/api/v1/products/echo?q=1');
    assert.equal(versioned.url, '/products/echo?q=1');
    assert.equal(versioned.headers['x-forwarded-base'], 'https://shop.example/api/v1');
    assert.equal(versioned.headers['x-forwarded-proto'], 'https');
    assert.equal(versioned.headers['x-forwarded-host'], 'shop.example');
    assert.equal(versioned.headers['x-forwarded-for'], '127.0.0.1');
  });

  it('carry valid ids on and get new ones instead of odd ones', async () => {
    const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const response = await fetch(`${gateway.url}/products/echo`, {
      headers: { 'x-request-id': 'request-12345', 'x-correlation-id': 'flow-12345678', traceparent: parent },
    });
    const { data } = (await response.json()) as { data: { headers: Record<string, string> } };
    assert.equal(data.headers['x-request-id'], 'request-12345');
    assert.equal(data.headers['x-correlation-id'], 'flow-12345678');
    assert.match(
      data.headers.traceparent ?? '',
      /^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[0-9a-f]{16}-01$/,
    );
    assert.equal(response.headers.get('x-request-id'), 'request-12345');
    assert.equal(response.headers.get('x-correlation-id'), 'flow-12345678');

    const odd = await seenBy('/products/echo', { headers: { 'x-request-id': 'a b<script>', traceparent: 'nonsense' } });
    assert.match(odd.headers['x-request-id'] ?? '', /^[0-9a-f-]{36}$/);
    assert.match(odd.headers.traceparent ?? '', /^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/);
  });

  it('pass bodies on, short, long and chunked', async () => {
    const headers = { 'content-type': 'application/json' };
    for (const body of ['{"a":1}', JSON.stringify(Array.from({ length: 50_000 }, (_, index) => index))]) {
      assert.equal((await seenBy('/products/echo', { method: 'POST', headers, body })).body, body);
      const chunked = { body: new Blob([body]).stream(), duplex: 'half' } as const;
      assert.equal((await seenBy('/products/echo', { method: 'POST', headers, ...chunked })).body, body);
    }
    const answer = await sendRaw(
      gateway.port,
      'POST /products/echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n',
    );
    assert.match(answer, /^HTTP\/1\.1 200 /);
    assert.match(answer, /"body":"hello world"/);
  });

  it('get answers without a body, in parts, and large', async () => {
    assert.equal((await fetch(`${gateway.url}/products/empty`)).status, 204);
    const same = await fetch(`${gateway.url}/products/same`, { headers: { 'if-none-match': '"7"' } });
    assert.deepEqual([same.status, same.headers.get('etag')], [304, '"7"']);
    const head = await fetch(`${gateway.url}/products/echo`, { method: 'HEAD' });
    assert.deepEqual([head.status, await head.text()], [200, '']);
    assert.equal(await (await fetch(`${gateway.url}/products/chunked`)).text(), '{"data":"in parts"}');
    assert.equal((await (await fetch(`${gateway.url}/products/large`)).arrayBuffer()).byteLength, 5_000_000);
  });

  it('get the service’s own errors as they are', async () => {
    const response = await fetch(`${gateway.url}/products/forbidden`);
    assert.deepEqual([response.status, response.headers.get('allow')], [405, 'GET']);
    assert.deepEqual(await response.json(), { error: { code: 'METHOD_NOT_ALLOWED' } });
  });

  it('are sent to the public address by a Location header', async () => {
    const response = await fetch(`${gateway.url}/api/v1/products/created`);
    assert.equal(response.headers.get('location'), 'https://shop.example/api/v1/products/5');
  });

  it('get security headers, and nothing of what is said inside', async () => {
    const response = await fetch(`${gateway.url}/products/chatty`);
    for (const name of ['server', 'x-powered-by', 'x-internal-node', 'x-hop', 'access-control-allow-origin']) {
      assert.equal(response.headers.get(name), null, name);
    }
    assert.equal(response.headers.get('etag'), '"3"');
    assert.equal(response.headers.get('x-frame-options'), 'DENY');
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
    assert.match(response.headers.get('strict-transport-security') ?? '', /max-age=\d+/);
    assert.match(response.headers.get('content-security-policy') ?? '', /^default-src 'none'/);
  });

  it('get 404 in the one shape when nobody owns the path', async () => {
    for (const path of ['/nothing', '/productsheet', '/api/v1', '/api/v2/products', '/', '/Products']) {
      const response = await fetch(gateway.url + path, { headers: { accept: 'application/problem+json' } });
      assert.equal(response.status, 404, path);
      assert.match(response.headers.get('content-type') ?? '', /^application\/problem\+json/);
      const body = (await response.json()) as { status: number; error: { code: string; request_id: string } };
      assert.deepEqual([body.status, body.error.code], [404, 'NOT_FOUND']);
      assert.equal(body.error.request_id, response.headers.get('x-request-id'));
    }
  });
});
