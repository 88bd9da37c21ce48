import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { eventually } from '@punctual/testing';
import {
  errorOf,
  type GatewayFixture,
  sendRaw,
  startGateway,
  startUpstream,
  stopTokens,
  type UpstreamApp,
} from './gateway-fixture.ts';

const LIMIT_BYTES = 1_000_000;

describe('limits of a request', () => {
  let product: UpstreamApp;
  let gateway: GatewayFixture;
  let abortedUploads = 0;

  before(async () => {
    product = await startUpstream((req, res) => {
      req.resume();
      req.on('end', () => res.writeHead(204).end());
      req.on('error', () => {
        abortedUploads += 1;
      });
    });
    gateway = await startGateway(
      { product: product.url },
      { CLIENT_HEADERS_TIMEOUT: '200ms', CLIENT_REQUEST_TIMEOUT: '1s' },
    );
  });
  after(async () => {
    await gateway.stop();
    await product.stop();
    await stopTokens();
  });

  const path = '/products/5/unknown';

  it('take a body of exactly the limit', async () => {
    const response = await fetch(gateway.url + path, { method: 'POST', body: 'x'.repeat(LIMIT_BYTES) });
    assert.equal(response.status, 204);
  });

  it('refuse a longer one by its declared length, before it has come and before the service is asked', async () => {
    const before = product.requests.length;
    const head = `POST ${path} HTTP/1.1\r\nHost: a\r\nContent-Length: ${LIMIT_BYTES + 1}\r\n\r\n`;
    const answer = await sendRaw(gateway.port, head, '"request_id"');
    assert.match(answer, /^HTTP\/1\.1 413 /);
    assert.match(answer, /"code":"PAYLOAD_TOO_LARGE"/);
    assert.equal(product.requests.length, before);

    const response = await fetch(gateway.url + path, { method: 'POST', body: 'x'.repeat(5 * LIMIT_BYTES) });
    assert.deepEqual([response.status, (await errorOf(response)).details], [413, { limit_bytes: LIMIT_BYTES }]);
  });

  it('count a chunked body, refuse it at the limit and break off the request to the service', async () => {
    const piece = new Uint8Array(100_000);
    let sent = 0;
    const body = new ReadableStream({
      pull(controller) {
        sent += 1;
        if (sent > 30) controller.close();
        else controller.enqueue(piece);
      },
    });
    const response = await fetch(gateway.url + path, { method: 'POST', body, duplex: 'half' });
    assert.deepEqual([response.status, (await errorOf(response)).code], [413, 'PAYLOAD_TOO_LARGE']);
    await eventually(() => assert.equal(abortedUploads, 1));
  });

  it('refuse a short chunked body at a shorter limit, before the service is asked', async () => {
    const strict = await startGateway({ product: product.url }, { BODY_LIMIT: '1kb' });
    const before = product.requests.length;
    const head = `POST ${path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n`;
    const answer = await sendRaw(strict.port, `${head}800\r\n${'x'.repeat(0x800)}\r\n0\r\n\r\n`, '"request_id"');
    await strict.stop();
    assert.match(answer, /^HTTP\/1\.1 413 /);
    assert.equal(product.requests.length, before);
  });

  it('end a connection whose headers do not come', async () => {
    const socket = connect(gateway.port, '127.0.0.1');
    socket.write('GET /products HTTP/1.1\r\nHost: a\r\nX-Slow: ');
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk.toString();
    });
    await once(socket, 'close');
    assert.match(answer, /^HTTP\/1\.1 408 /);
    assert.match(answer, /"code":"TIMEOUT"/);
  });

  it('end a connection whose body does not come, before the service is asked', async () => {
    const before = product.requests.length;
    const bodies = ['Content-Length: 10\r\n\r\nhalf', 'Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'];
    for (const body of bodies) {
      const answer = await sendRaw(gateway.port, `POST ${path} HTTP/1.1\r\nHost: a\r\n${body}`);
      assert.match(answer, /^HTTP\/1\.1 408 |^$/);
    }
    assert.equal(product.requests.length, before);
  });

  it('refuse headers beyond 16 KB', async () => {
    const answer = await sendRaw(
      gateway.port,
      `GET /products HTTP/1.1\r\nHost: a\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`,
    );
    assert.match(answer, /^HTTP\/1\.1 431 /);
  });
});
