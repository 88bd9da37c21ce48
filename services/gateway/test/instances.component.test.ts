import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { eventually } from '@punctual/testing';
import {
  answerJson,
  CLOSED_ADDRESS,
  errorOf,
  type GatewayFixture,
  metricValue,
  startGateway,
  startUpstream,
  stopTokens,
  type UpstreamApp,
} from './gateway-fixture.ts';

const REQUESTS = 40;

describe('a service of several instances behind the gateway', () => {
  let first: UpstreamApp;
  let second: UpstreamApp;
  let gateway: GatewayFixture;
  let firstApp: RequestListener = answerJson;

  beforeEach(async () => {
    firstApp = answerJson;
    first = await startUpstream((req, res) => firstApp(req, res));
    second = await startUpstream();
    gateway = await startGateway(
      { product: [first.url, second.url], absent: [`http://${CLOSED_ADDRESS}`] },
      { RATE_LIMIT_BURST: '1000', UPSTREAM_TIMEOUT: '5s', CIRCUIT_BREAKER_TIMEOUT: '1s' },
    );
  });
  afterEach(async () => {
    await gateway.stop();
    await Promise.all([first.stop(), second.stop()]);
  });
  after(() => stopTokens());

  const call = (method = 'GET'): Promise<Response> =>
    fetch(`${gateway.url}/products/5`, { method, ...(method === 'POST' ? { body: '{}' } : {}) });
  const statuses = async (method: string): Promise<number[]> => {
    const seen: number[] = [];
    for (let n = 0; n < REQUESTS; n += 1) seen.push((await call(method)).status);
    return seen;
  };

  it('gets a fair share of the requests at each', async () => {
    assert.ok((await statuses('GET')).every((status) => status === 200));
    assert.ok(Math.abs(first.requests.length - second.requests.length) <= 2, `${first.requests.length} at the first`);
  });

  it('gets what one is too busy for at the other', async () => {
    const held: (() => void)[] = [];
    firstApp = (_req, res) => held.push(() => res.writeHead(204).end());
    const waiting = [call(), call()];
    await Promise.any(waiting);
    await eventually(() => assert.equal(held.length, 1));
    for (let n = 0; n < 10; n += 1) await call();
    assert.equal(first.requests.length, 1);
    for (const release of held) release();
    await Promise.all(waiting);
  });

  it('answers every request, of any method, while one instance refuses connections', async () => {
    await first.stop();
    assert.ok((await statuses('GET')).every((status) => status === 200));
    assert.ok((await statuses('POST')).every((status) => status === 200));
    // It was left out, not asked each time.
    const refused = await metricValue(gateway.metrics, 'gateway_upstream_errors_total', { kind: 'refused' });
    assert.ok(refused > 0 && refused < 5, `${refused} times`);
  });

  it('answers a GET whose connection broke from the other instance, and leaves the broken one out', async () => {
    firstApp = (req) => req.socket.destroy();
    assert.ok((await statuses('GET')).every((status) => status === 200));
    assert.equal(first.requests.length, 1);
  });

  it('is ready as long as one instance is, and says that it is degraded', async () => {
    await first.stop();
    const other = await startGateway({ product: [first.url, second.url] });
    const response = await fetch(`${other.url}/health/ready`);
    const { data } = (await response.json()) as { data: { checks: unknown; dependencies: Record<string, string> } };
    assert.deepEqual(data.checks, { product: { status: 'degraded' }, redis: { status: 'degraded' } });
    assert.equal(data.dependencies['product-http'], 'closed');
    await other.stop();
  });

  it('is not asked at all after failures in a row: the answer is an immediate 503 with when to come back', async () => {
    const answers = [];
    for (let n = 0; n < 7; n += 1) answers.push(await fetch(`${gateway.url}/absents/5`));
    const tries = await metricValue(gateway.metrics, 'gateway_upstream_errors_total', { upstream: 'absent' });
    assert.equal(tries, 10, 'five requests of two attempts each');
    const last = answers.at(-1) ?? assert.fail();
    assert.deepEqual([last.status, last.headers.get('retry-after')], [503, '1']);
    assert.deepEqual((await errorOf(last)).details, { dependency: 'absent' });
    assert.equal(await metricValue(gateway.metrics, 'circuit_breaker_state', { dependency: 'absent-http' }), 2);
  });

  it('is served again by itself once it answers', async () => {
    await second.stop();
    firstApp = (req) => req.socket.destroy();
    for (let n = 0; n < 6; n += 1) assert.ok((await call('POST')).status >= 503);
    const asked = first.requests.length;
    assert.equal(asked, 5);
    firstApp = answerJson;
    const startedAt = performance.now();
    await eventually(async () => assert.equal((await call('POST')).status, 200), { intervalMs: 100 });
    assert.ok(performance.now() - startedAt > 50, 'the breaker was not open');
    for (let n = 0; n < 5; n += 1) assert.equal((await call('POST')).status, 200);
    assert.equal(await metricValue(gateway.metrics, 'circuit_breaker_state', { dependency: 'product-http' }), 0);
  });

  it('counts an answer as an answer, however bad', async () => {
    await second.stop();
    firstApp = (_req, res) => res.writeHead(500, { 'content-type': 'application/json' }).end('{"error":{}}');
    const seen = await statuses('POST');
    assert.ok(seen.every((status) => status === 500));
    assert.equal(await metricValue(gateway.metrics, 'circuit_breaker_state', { dependency: 'product-http' }), 0);
  });
});
