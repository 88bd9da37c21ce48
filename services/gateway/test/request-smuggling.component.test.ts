import assert from 'node:assert/strict';
import {
  answerJson,
  type GatewayFixture,
  sendRaw,
  startGateway,
  startUpstream,
  stopTokens,
  type UpstreamApp,
} from './gateway-fixture.ts';

/** What a proxy and a server may read differently (S14): refused at the edge, and never seen by a service. */
describe('ambiguous requests', () => {
  let product: UpstreamApp;
  let gateway: GatewayFixture;

  before(async () => {
    product = await startUpstream(answerJson);
    gateway = await startGateway({ product: product.url });
  });
  after(async () => {
    await gateway.stop();
    await product.stop();
    await stopTokens();
  });

  const head = 'HTTP/1.1\r\nHost: a\r\nConnection: close\r\n';
  const requests: Record<string, string> = {
    'an absolute URI': `GET http://169.254.169.254/products ${head}\r\n`,
    'an absolute URI of the gateway itself': `GET http://a/products ${head}\r\n`,
    'a protocol-relative target': `GET //evil.example/products ${head}\r\n`,
    'an encoded slash': `GET /products/..%2f..%2fhealth ${head}\r\n`,
    'an encoded backslash': `GET /products/..%5chealth ${head}\r\n`,
    'a backslash': `GET /products\\..\\health ${head}\r\n`,
    'dot segments': `GET /products/../health ${head}\r\n`,
    'encoded dot segments': `GET /products/%2e%2e/health ${head}\r\n`,
    'a path encoded twice': `GET /products/%252e%252e/health ${head}\r\n`,
    'an empty segment': `GET /products//5 ${head}\r\n`,
    'an encoded NUL': `GET /products/%00 ${head}\r\n`,
    'broken percent-encoding': `GET /products/%zz ${head}\r\n`,
    'percent-encoding that is not UTF-8': `GET /products/%E0 ${head}\r\n`,
    'raw bytes beyond ASCII': `GET /products/\xe4 ${head}\r\n`,
    'a fragment': `GET /products#x ${head}\r\n`,
    'an asterisk': `OPTIONS * ${head}\r\n`,
    'both lengths': `POST /products ${head}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    'two lengths': `POST /products ${head}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello`,
    'a list of lengths': `POST /products ${head}Content-Length: 5, 5\r\n\r\nhello`,
    'a signed length': `POST /products ${head}Content-Length: +5\r\n\r\nhello`,
    'a folded header': `GET /products ${head}X-One: a\r\n b\r\n\r\n`,
    'a space before the colon': `GET /products ${head}X-One : a\r\n\r\n`,
    'a line feed alone': 'GET /products HTTP/1.1\nHost: a\nConnection: close\n\n',
    'chunked, but not last': `POST /products ${head}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n`,
    'another transfer coding': `POST /products ${head}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`,
    'a hidden transfer coding': `POST /products ${head}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n`,
    'a bad chunk size': `POST /products ${head}Transfer-Encoding: chunked\r\n\r\n0x5\r\nhello\r\n0\r\n\r\n`,
    'a body on GET': `GET /products ${head}Content-Length: 5\r\n\r\nhello`,
    'no Host': 'GET /products HTTP/1.1\r\nConnection: close\r\n\r\n',
    'a NUL in a header': `GET /products ${head}X-One: a\0b\r\n\r\n`,
  };

  for (const [name, bytes] of Object.entries(requests)) {
    it(`are refused with 400: ${name}`, async () => {
      const before = product.requests.length;
      const answer = await sendRaw(gateway.port, bytes);
      assert.match(answer, /^HTTP\/1\.1 400 /, answer.slice(0, 300));
      assert.match(answer, /"code":"VALIDATION_FAILED"/);
      assert.ok(product.requests.length - before <= (name === 'a bad chunk size' ? 1 : 0), 'the service saw it');
    });
  }

  it('do not let a second request ride in the first one’s body', async () => {
    const before = product.requests.length;
    const hidden = 'GET /products/hidden HTTP/1.1\r\nHost: a\r\n\r\n';
    const answer = await sendRaw(
      gateway.port,
      `POST /products/5/unknown ${head}Content-Length: ${hidden.length}\r\n\r\n${hidden}`,
    );
    assert.match(answer, /^HTTP\/1\.1 200 /);
    assert.deepEqual(
      product.requests.slice(before).map((request) => request.url),
      ['/products/5/unknown'],
    );
  });

  it('do not pass on a protocol upgrade', async () => {
    const answer = await sendRaw(
      gateway.port,
      'GET /products/5 HTTP/1.1\r\nHost: a\r\nConnection: close, Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n',
    );
    assert.match(answer, /^HTTP\/1\.1 200 /);
    const headers = product.requests.at(-1)?.headers ?? {};
    assert.deepEqual([headers.upgrade, headers['http2-settings']], [undefined, undefined]);
  });
});
