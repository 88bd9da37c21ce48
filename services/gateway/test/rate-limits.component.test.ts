import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { eventually, testRedis } from '@punctual/testing';
import {
  answerJson,
  CLOSED_ADDRESS,
  errorOf,
  type GatewayFixture,
  metricValue,
  sharedTokens,
  startGateway,
  startUpstream,
  stopTokens,
  type UpstreamApp,
} from './gateway-fixture.ts';

const BURST = 5;
/** So slow that no token comes back while a test runs, unless the machine is very busy. */
const SLOW = { RATE_LIMIT_PER_SECOND: '1', RATE_LIMIT_BURST: String(BURST), TRUSTED_HOPS: '1' };
const TRIES = 12;

describe('rate limits', () => {
  let product: UpstreamApp;
  let order: UpstreamApp;
  let redisNodes: string;
  const running: GatewayFixture[] = [];

  before(async () => {
    product = await startUpstream(answerJson);
    order = await startUpstream(answerJson);
    redisNodes = testRedis('rate-limits')
      .nodes.map(({ host, port }) => `${host}:${port}`)
      .join(',');
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((gateway) => gateway.stop()));
  });
  after(async () => {
    await product.stop();
    await order.stop();
    await stopTokens();
  });

  async function start(env: Readonly<Record<string, string>> = {}): Promise<GatewayFixture> {
    const gateway = await startGateway({ product: product.url, order: order.url }, { ...SLOW, ...env });
    running.push(gateway);
    return gateway;
  }

  async function startShared(env: Readonly<Record<string, string>> = {}): Promise<GatewayFixture> {
    const gateway = await start({ REDIS_NODES: redisNodes, REDIS_TIMEOUT: '5s', ...env });
    await eventually(async () => {
      const health = await fetch(`${gateway.url}/health`);
      assert.match(await health.text(), /"redis":\{"status":"up"\}/);
    });
    return gateway;
  }

  /** A client of its own for each test, since buckets outlive tests. */
  const newAddress = (): string => `10.${randomInt(256)}.${randomInt(256)}.${randomInt(256)}`;
  const ask = (gateway: GatewayFixture, forwardedFor: string, path = '/products'): Promise<Response> =>
    fetch(gateway.url + path, { headers: { 'x-forwarded-for': forwardedFor } });

  async function countAllowed(askOnce: (index: number) => Promise<Response>, answer = 200): Promise<number> {
    const statuses = await Promise.all(
      Array.from({ length: TRIES }, async (_, index) => (await askOnce(index)).status),
    );
    assert.ok(statuses.every((status) => status === answer || status === 429));
    return statuses.filter((status) => status === answer).length;
  }

  /** The burst passes, and one more for each second that the requests took. */
  async function assertAllowed(
    burst: number,
    askOnce: (index: number) => Promise<Response>,
    answer?: number,
  ): Promise<void> {
    const startedAt = performance.now();
    const allowed = await countAllowed(askOnce, answer);
    const cameBack = Math.floor((performance.now() - startedAt) / 1_000);
    assert.ok(allowed >= burst && allowed <= burst + cameBack, `${allowed} of ${burst} + ${cameBack} were allowed`);
  }

  it('say what is left, and refuse with 429 when nothing is', async () => {
    const gateway = await start();
    const client = newAddress();
    const first = await ask(gateway, client);
    assert.equal(first.headers.get('ratelimit-policy'), `"product";q=${BURST};w=${BURST}`);
    assert.equal(first.headers.get('ratelimit'), `"product";r=${BURST - 1};t=1`);
    await countAllowed(() => ask(gateway, client));
    // Not at once when these took more than a second.
    const refused = await eventually(async () => {
      const response = await ask(gateway, client);
      assert.equal(response.status, 429);
      return response;
    });
    assert.equal((await errorOf(refused)).code, 'RATE_LIMITED');
    assert.equal(refused.headers.get('retry-after'), '1');
    assert.match(refused.headers.get('ratelimit') ?? '', /^"product";r=0;t=[56]$/);
    assert.ok((await metricValue(gateway.metrics, 'gateway_rate_limited_total', { upstream: 'product' })) > 0);
  });

  it('are shared by two gateways through Redis', async () => {
    const [one, two] = [await startShared(), await startShared()];
    const client = newAddress();
    await assertAllowed(BURST, (index) => ask(index % 2 === 0 ? one : two, client));
    assert.ok((await metricValue(one.metrics, 'gateway_rate_limit_decisions_total', { store: 'redis' })) > 0);
    assert.equal(await metricValue(one.metrics, 'gateway_rate_limit_decisions_total', { store: 'local' }), 0);
  });

  it('give tokens back as time passes', async () => {
    const gateway = await startShared({ RATE_LIMIT_PER_SECOND: '1', RATE_LIMIT_BURST: '1' });
    const client = newAddress();
    assert.equal((await ask(gateway, client)).status, 200);
    await eventually(async () => assert.equal((await ask(gateway, client)).status, 429));
    await eventually(async () => assert.equal((await ask(gateway, client)).status, 200));
  });

  it('do not let a client choose its bucket by X-Forwarded-For (S15)', async () => {
    for (const gateway of [await start(), await startShared()]) {
      const client = newAddress();
      await assertAllowed(BURST, () => ask(gateway, `${newAddress()}, ${client}`));
    }
    // Without a trusted hop in front the header is the client's alone.
    const direct = await start({ TRUSTED_HOPS: '0' });
    await assertAllowed(BURST, () => ask(direct, newAddress()));
  });

  it('count each service and each client apart', async () => {
    const gateway = await startShared({ RATE_LIMIT_SERVICES: '{"order":{"perSecond":1,"burst":2}}' });
    const client = newAddress();
    await assertAllowed(BURST, () => ask(gateway, client));
    await assertAllowed(2, () => ask(gateway, client, '/orders/5/unknown'));
    assert.equal((await ask(gateway, newAddress())).status, 200);
  });

  it('count a known user by the user, wherever the requests come from', async () => {
    const gateway = await startShared();
    const tokens = await sharedTokens();
    const userId = randomInt(1, 2 ** 40);
    const authorization = `Bearer ${await tokens.token({ userId })}`;
    const other = `Bearer ${await tokens.token({ userId: userId + 1 })}`;
    const askAs = (token: string): Promise<Response> =>
      fetch(`${gateway.url}/orders`, { headers: { authorization: token, 'x-forwarded-for': newAddress() } });
    await assertAllowed(BURST, () => askAs(authorization));
    assert.equal((await askAs(other)).status, 200);
  });

  it('count bad tokens against the address', async () => {
    const gateway = await start();
    const client = newAddress();
    const guess = (index: number): Promise<Response> =>
      fetch(`${gateway.url}/orders`, { headers: { authorization: `Bearer a.b.${index}`, 'x-forwarded-for': client } });
    await assertAllowed(BURST, guess, 401);
  });

  it('are counted locally while Redis is away', async () => {
    const gateway = await start({ REDIS_NODES: CLOSED_ADDRESS });
    const client = newAddress();
    await assertAllowed(BURST, () => ask(gateway, client));
    assert.ok((await metricValue(gateway.metrics, 'gateway_rate_limit_decisions_total', { store: 'local' })) >= TRIES);
    const ready = await (await fetch(`${gateway.url}/health/ready`)).text();
    assert.match(ready, /"redis":\{"status":"degraded"\}/);
    assert.match(ready, /"redis":"open"/);
    assert.equal(await metricValue(gateway.metrics, 'circuit_breaker_state', { dependency: 'redis' }), 2);
  });

  it('do not hold for health, metrics and documentation', async () => {
    const gateway = await start();
    for (const path of ['/health/live', '/metrics', '/docs', '/openapi.json', '/asyncapi.json']) {
      for (let index = 0; index < BURST * 2; index += 1) {
        const response = await ask(gateway, '10.0.0.1', path);
        assert.deepEqual([response.status, response.headers.get('ratelimit')], [200, null]);
        await response.arrayBuffer();
      }
    }
  });
});
