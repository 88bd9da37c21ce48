import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '@punctual/testing';
import {
  answerJson,
  CLOSED_ADDRESS,
  errorOf,
  type GatewayFixture,
  metricValue,
  sendRaw,
  startGateway,
  startUpstream,
  stopTokens,
  type UpstreamApp,
} from './gateway-fixture.ts';

/** Long for an answer that is meant to come, on a machine with other work. */
const TIMEOUT_MS = 1_000;
const UPLOAD = 'POST /products/5/unknown HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n';
/** More than is read before the service is asked. */
const LONG_UPLOAD = `${UPLOAD}\r\n${(100_000).toString(16)}\r\n${'x'.repeat(100_000)}\r\n`;
const END_OF_UPLOAD = '0\r\n\r\n';

describe('services that fail behind the gateway', () => {
  let app: RequestListener = answerJson;
  let product: UpstreamApp;
  let gateway: GatewayFixture;

  before(async () => {
    product = await startUpstream((req, res) => app(req, res));
    gateway = await startGateway(
      { product: product.url, absent: `http://${CLOSED_ADDRESS}` },
      { UPSTREAM_TIMEOUT: `${TIMEOUT_MS}ms`, MAX_IN_FLIGHT: '3', RATE_LIMIT_BURST: '1000' },
    );
  });
  after(async () => {
    await gateway.stop();
    await product.stop();
    await stopTokens();
  });
  beforeEach(() => {
    product.requests.length = 0;
  });

  const errors = (kind: string, upstream = 'product'): Promise<number> =>
    metricValue(gateway.metrics, 'gateway_upstream_errors_total', { kind, upstream });
  const inFlight = (): Promise<number> => metricValue(gateway.metrics, 'gateway_in_flight', { upstream: 'product' });

  it('are answered for with 503 and Retry-After when nobody listens', async () => {
    const response = await fetch(`${gateway.url}/absents/5`, { method: 'POST', body: '{}' });
    assert.deepEqual([response.status, response.headers.get('retry-after')], [503, '1']);
    const error = await errorOf(response);
    assert.deepEqual([error.code, error.details], ['UNAVAILABLE', { dependency: 'absent' }]);
    assert.ok((await errors('refused', 'absent')) > 0);
  });

  it('are answered for with 504 when they take too long', async () => {
    app = (req) => req.resume();
    const response = await fetch(`${gateway.url}/products/5/slow`, { method: 'POST', body: '{}' });
    assert.deepEqual([response.status, (await errorOf(response)).code], [504, 'TIMEOUT']);
    assert.equal(product.requests.length, 1);
    assert.ok((await errors('timeout')) > 0);
    await eventually(async () => assert.equal(await inFlight(), 0));
  });

  it('are not taken for slow while a client takes its time to send', async () => {
    app = answerJson;
    const timeouts = await errors('timeout');
    const socket = connect(gateway.port, '127.0.0.1');
    socket.write(LONG_UPLOAD);
    await eventually(() => assert.equal(product.requests.length, 1));
    await delay(2 * TIMEOUT_MS);
    socket.write(END_OF_UPLOAD);
    const [answer] = (await once(socket, 'data')) as [Buffer];
    socket.destroy();
    assert.match(answer.toString(), /^HTTP\/1\.1 200 /);
    assert.equal(await errors('timeout'), timeouts);
  });

  it('are asked once more for a GET whose connection broke before the answer', async () => {
    let isFirst = true;
    app = (req, res) => {
      if (isFirst) req.socket.destroy();
      else answerJson(req, res);
      isFirst = false;
    };
    assert.equal((await fetch(`${gateway.url}/products/5`)).status, 200);
    assert.equal(product.requests.length, 2);
  });

  it('are asked only once for a POST whose connection broke', async () => {
    app = (req) => req.socket.destroy();
    const response = await fetch(`${gateway.url}/products/5/unknown`, { method: 'POST', body: '{}' });
    // It may have been done, which 503 would deny.
    assert.deepEqual([response.status, (await errorOf(response)).code], [504, 'TIMEOUT']);
    assert.equal(product.requests.length, 1);
    assert.ok((await errors('reset')) > 0);
  });

  it('are asked twice and no more for a GET whose connection breaks each time', async () => {
    app = (req) => req.socket.destroy();
    assert.equal((await fetch(`${gateway.url}/products/5`)).status, 503);
    assert.equal(product.requests.length, 2);
  });

  it('have what is not HTTP answered with 503, or 504 when what was asked may have been done', async () => {
    app = (req) => req.socket.end('220 mail.example ESMTP\r\n');
    assert.equal((await fetch(`${gateway.url}/products/5`)).status, 503);
    assert.equal((await fetch(`${gateway.url}/products/5/unknown`, { method: 'POST' })).status, 504);
    assert.equal(await errors('bad_answer'), 2);
  });

  it('have half an answer cut, so that it does not look whole', async () => {
    app = (_req, res) => {
      res.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 });
      res.write('{"data":', () => res.destroy());
    };
    const response = await fetch(`${gateway.url}/products/5`);
    assert.equal(response.status, 200);
    await assert.rejects(response.text());

    app = (_req, res) => {
      res.writeHead(200, { 'content-type': 'application/json' });
      res.write('{"data":', () => res.destroy());
    };
    await assert.rejects(fetch(`${gateway.url}/products/5`).then((chunked) => chunked.text()));
  });

  it('have their crash pages replaced by the one error shape', async () => {
    const expected = {
      500: [500, 'INTERNAL'],
      502: [503, 'UNAVAILABLE'],
      503: [503, 'UNAVAILABLE'],
      504: [504, 'TIMEOUT'],
    };
    for (const [status, answer] of Object.entries(expected)) {
      app = (_req, res) => {
        res.writeHead(Number(status), { 'content-type': 'text/html' }).end('<pre>Error: at store.ts:17</pre>');
      };
      const response = await fetch(`${gateway.url}/products/5`);
      const text = await response.text();
      assert.doesNotMatch(text, /store\.ts/);
      assert.deepEqual([response.status, (JSON.parse(text) as { error: { code: string } }).error.code], answer);
    }
  });

  it('have their own JSON errors passed on', async () => {
    app = (_req, res) => {
      res.writeHead(503, { 'content-type': 'application/json; charset=utf-8', 'retry-after': '3' });
      res.end('{"error":{"code":"UNAVAILABLE","details":{"dependency":"database"}}}');
    };
    const response = await fetch(`${gateway.url}/products/5`);
    assert.deepEqual([response.status, response.headers.get('retry-after')], [503, '3']);
    assert.deepEqual((await errorOf(response)).details, { dependency: 'database' });
  });

  it('are told when the client leaves', async () => {
    const seen = Promise.withResolvers<ServerResponse>();
    app = (_req, res) => seen.resolve(res);
    const abort = new AbortController();
    const asked = fetch(`${gateway.url}/products/5`, { signal: abort.signal });
    const res = await seen.promise;
    const closed = once(res, 'close');
    abort.abort();
    await assert.rejects(asked);
    await closed;
    await eventually(async () => assert.equal(await inFlight(), 0));
  });

  it('are told when the client leaves in the middle of its upload, and of its download', async () => {
    const gone = Promise.withResolvers<void>();
    app = (req) => {
      req.resume();
      req.on('error', () => gone.resolve());
    };
    const socket = connect(gateway.port, '127.0.0.1');
    socket.write(LONG_UPLOAD);
    await eventually(() => assert.equal(product.requests.length, 1));
    socket.destroy();
    await gone.promise;

    const cut = Promise.withResolvers<void>();
    app = (_req, res) => {
      res.writeHead(200, { 'content-type': 'application/octet-stream' });
      res.on('close', () => cut.resolve());
      endlessly(res);
    };
    const response = await fetch(`${gateway.url}/products/5`);
    await response.body?.cancel();
    await cut.promise;
    await eventually(async () => assert.equal(await inFlight(), 0));
  });

  it('are not sent more than the cap at a time: the rest gets a fast 503', async () => {
    const waiting: ServerResponse[] = [];
    app = (_req, res) => {
      waiting.push(res);
    };
    const accepted = [1, 2, 3].map((id) => fetch(`${gateway.url}/products/${id}`));
    await eventually(() => assert.equal(waiting.length, 3));
    const shed = await fetch(`${gateway.url}/products/4`);
    assert.deepEqual([shed.status, shed.headers.get('retry-after')], [503, '1']);
    assert.equal(product.requests.length, 3);
    for (const res of waiting) res.writeHead(204).end();
    assert.deepEqual(
      (await Promise.all(accepted)).map((response) => response.status),
      [204, 204, 204],
    );
    assert.equal(await metricValue(gateway.metrics, 'gateway_shed_total', { upstream: 'product' }), 1);
  });

  it('are not kept from others by clients that drip their uploads', async () => {
    app = answerJson;
    const sockets = Array.from({ length: 5 }, () => connect(gateway.port, '127.0.0.1'));
    for (const socket of sockets) {
      socket.write(`${UPLOAD}Expect: 100-continue\r\n\r\n1\r\n{\r\n`);
      // The interim answer tells that the gateway has begun with the request.
      await once(socket, 'data');
    }
    assert.equal((await fetch(`${gateway.url}/products/5`)).status, 200);
    assert.equal(product.requests.length, 1);
    for (const socket of sockets) {
      socket.write(`1\r\n}\r\n${END_OF_UPLOAD}`);
      const [answer] = (await once(socket, 'data')) as [Buffer];
      socket.destroy();
      assert.match(answer.toString(), /^HTTP\/1\.1 200 [\s\S]*"body":"{}"/);
    }
  });

  it('take a quarter of the cap in long uploads: the rest gets a fast 503, and other requests are answered', async () => {
    app = answerJson;
    const shed = (): Promise<number> => metricValue(gateway.metrics, 'gateway_shed_total', { upstream: 'product' });
    const shedBefore = await shed();
    const upload = () => fetch(`${gateway.url}/products/5/unknown`, { method: 'POST', body: 'x'.repeat(100_000) });
    const socket = connect(gateway.port, '127.0.0.1');
    socket.write(LONG_UPLOAD);
    await eventually(() => assert.equal(product.requests.length, 1));
    const refused = await upload();
    assert.deepEqual([refused.status, refused.headers.get('retry-after')], [503, '1']);
    assert.equal(await shed(), shedBefore + 1);
    assert.equal((await fetch(`${gateway.url}/products/5`)).status, 200);
    socket.write(END_OF_UPLOAD);
    await once(socket, 'data');
    socket.destroy();
    await eventually(async () => assert.equal(await inFlight(), 0));
    assert.equal((await upload()).status, 200);
  });

  it('may answer before they have read the whole body', async () => {
    app = (_req: IncomingMessage, res: ServerResponse) => {
      res.writeHead(415, { 'content-type': 'application/json', connection: 'close' });
      res.end('{"error":{"code":"UNSUPPORTED_MEDIA_TYPE"}}');
    };
    const body = 'x'.repeat(60_000);
    const answer = await sendRaw(
      gateway.port,
      `POST /products/5/unknown HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    );
    assert.match(answer, /^HTTP\/1\.1 415 /);
  });
});

/** Writes until the other side is gone. */
function endlessly(res: ServerResponse): void {
  while (!res.destroyed && res.write(Buffer.alloc(65_536))) {
    // The loop ends when the buffer is full, and goes on when it has drained.
  }
  if (!res.destroyed) res.once('drain', () => endlessly(res));
}
