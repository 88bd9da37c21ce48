import assert from 'node:assert/strict';
import { createMetrics, currentContext } from '@punctual/telemetry';
import {
  errorOf,
  getOwn,
  getThing,
  placeThing,
  recordingLogger,
  startTestApp,
  type TestApp,
  thingRoutes,
  touchThing,
} from '../test/app-fixture.ts';
import { createHttpApp, type HttpAppOptions, handle, pagingLinks, reply } from './index.ts';

describe('http app', () => {
  const running: TestApp[] = [];
  const start = async (options: Partial<HttpAppOptions> = {}) => {
    const app = await startTestApp(options);
    running.push(app);
    return app;
  };
  afterEach(async () => {
    for (const app of running.splice(0)) await app.server.stop();
  });

  describe('identity', () => {
    it('is required, and a missing or bad token is challenged', async () => {
      const app = await start();
      for (const authorization of [undefined, 'Bearer nonsense', 'Basic Y2F0OmRvZw==', 'Bearer', 'customer-token']) {
        const response = await fetch(`${app.url}/things/own`, { headers: authorization ? { authorization } : {} });
        assert.equal(response.status, 401, authorization);
        assert.match(response.headers.get('www-authenticate') ?? '', /^Bearer realm="punctual"/);
        assert.equal((await errorOf(response)).code, 'UNAUTHENTICATED');
      }
    });

    it('reaches the handler, and no header but the token makes it', async () => {
      const app = await start();
      const headers = { 'x-user-id': '1', 'x-user-role': 'admin', authorization: 'bearer customer-token' };
      const response = await fetch(`${app.url}/things/own`, { headers });
      assert.deepEqual(await response.json(), { data: { user_id: 7, role: 'customer' } });
    });

    it('of a customer is not enough on an admin route, and the input is not looked at', async () => {
      const app = await start();
      const remove = (token: string, id: string) =>
        fetch(`${app.url}/things/${id}`, { method: 'DELETE', headers: { authorization: `Bearer ${token}` } });
      const refused = await remove('customer-token', 'abc');
      assert.equal(refused.status, 403);
      assert.equal((await errorOf(refused)).code, 'FORBIDDEN');
      assert.equal((await remove('admin-token', '3')).status, 204);
    });

    it('is not looked at on a public route', async () => {
      const app = await start();
      const response = await fetch(`${app.url}/things/1`, { headers: { authorization: 'Bearer nonsense' } });
      assert.equal(response.status, 200);
    });

    it('cannot be forgotten: an app with protected routes needs a verifier', () => {
      const { logger } = recordingLogger();
      assert.throws(
        () => createHttpApp({ service: 'x', logger, metrics: createMetrics('x'), routes: thingRoutes, readiness: [] }),
        /was given no verifier/,
      );
    });
  });

  describe('routes', () => {
    it('answer at their aliases too', async () => {
      const app = await start();
      const init = { method: 'POST', body: '{"name":"a","items":[]}', headers: { 'content-type': 'application/json' } };
      assert.equal((await fetch(`${app.url}/articles`, init)).status, 201);
    });

    it('that collide are refused at start', async () => {
      await assert.rejects(start({ routes: [...thingRoutes, ...thingRoutes] }), /two routes answer/);
    });

    it('answer HEAD as GET without a body', async () => {
      const app = await start();
      const response = await fetch(`${app.url}/things/1`, { method: 'HEAD' });
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('content-length'), String('{"data":{"id":1}}'.length));
    });
  });

  describe('answers', () => {
    it('may set status and headers, or be a stored text', async () => {
      const app = await start({
        routes: [
          handle(placeThing, () => reply({ status: 202, headers: { location: '/things/1' }, data: { name: 'b' } })),
          handle(getOwn, () => reply({ bodyText: '{"data":{"user_id":9,"role":"stored"}}' })),
        ],
      });
      const init = { method: 'POST', body: '{"name":"a","items":[]}', headers: { 'content-type': 'application/json' } };
      const placed = await fetch(`${app.url}/things`, init);
      assert.equal(placed.status, 202);
      assert.equal(placed.headers.get('location'), '/things/1');
      assert.deepEqual(await placed.json(), { data: { name: 'b' } });
      const own = await fetch(`${app.url}/things/own`, { headers: { authorization: 'Bearer customer-token' } });
      assert.equal(await own.text(), '{"data":{"user_id":9,"role":"stored"}}');
    });

    it('with an ETag are whole even for whoever has it, since it does not vouch for every field', async () => {
      const app = await start({
        routes: [handle(getThing, ({ params }) => reply({ headers: { etag: '"3"' }, data: { id: params.id } }))],
      });
      const headers = { 'if-none-match': '"3"', 'cache-control': 'max-age=0' };
      const answer = await fetch(`${app.url}/things/1`, { headers });
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get('etag'), '"3"');
      assert.equal(answer.headers.get('cache-control'), 'no-store');
      assert.deepEqual(await answer.json(), { data: { id: 1 } });
    });

    it('of lists carry paging on the address that the gateway names', async () => {
      const app = await start({
        routes: [
          handle({ ...getThing, list: true }, ({ req }) => ({
            data: [{ id: 1 }],
            paging: pagingLinks(req, { page: 2, limit: 1, totalItems: 3 }),
          })),
        ],
      });
      const headers = { 'x-forwarded-base': 'http://localhost:8080/api/v1' };
      const response = await fetch(`${app.url}/things/1?q=a%20b&page=2`, { headers });
      const base = 'http://localhost:8080/api/v1/things/1?q=a+b&page=';
      assert.deepEqual(await response.json(), {
        data: [{ id: 1 }],
        paging: {
          page: 2,
          limit: 1,
          total_items: 3,
          total_is_exact: true,
          total_pages: 3,
          links: { self: `${base}2`, first: `${base}1`, prev: `${base}1`, next: `${base}3`, last: `${base}3` },
        },
      });
    });

    it('carry no trace of the framework and are not to be stored', async () => {
      const app = await start();
      const { headers } = await fetch(`${app.url}/things/1`);
      assert.equal(headers.get('x-powered-by'), null);
      assert.equal(headers.get('etag'), null);
      assert.equal(headers.get('cache-control'), 'no-store');
      assert.equal(headers.get('x-content-type-options'), 'nosniff');
    });
  });

  describe('request context', () => {
    it('takes good ids over, makes new ones for bad, and returns them', async () => {
      const app = await start();
      const ids = async (headers: Record<string, string>) => {
        const response = await fetch(`${app.url}/things/1`, { headers });
        return [response.headers.get('x-request-id'), response.headers.get('x-correlation-id')];
      };
      assert.deepEqual(await ids({ 'x-request-id': 'request-1', 'x-correlation-id': 'journey-1' }), [
        'request-1',
        'journey-1',
      ]);
      assert.deepEqual(await ids({ 'x-request-id': 'request-1' }), ['request-1', 'request-1']);
      for (const bad of ['short', 'x'.repeat(129), 'has spaces in it', '{"json":true}']) {
        const [requestId] = await ids({ 'x-request-id': bad });
        assert.match(requestId ?? '', /^[0-9a-f-]{36}$/);
      }
    });

    it('is there in the handler, in the caller’s trace', async () => {
      let seen: ReturnType<typeof currentContext>;
      const app = await start({
        routes: [
          handle(touchThing, async () => {
            await Promise.resolve();
            seen = currentContext();
          }),
        ],
      });
      const traceId = 'a'.repeat(32);
      const headers = { 'x-request-id': 'request-1', traceparent: `00-${traceId}-${'b'.repeat(16)}-01` };
      await fetch(`${app.url}/things/1/touch`, { method: 'POST', headers });
      assert.equal(seen?.requestId, 'request-1');
      assert.match(seen?.traceparent ?? '', new RegExp(`^00-${traceId}-(?!b{16})[0-9a-f]{16}-01$`));
    });

    it('gives each request one log line with the route’s template and one measurement', async () => {
      const app = await start();
      await (await fetch(`${app.url}/things/own`, { headers: { authorization: 'Bearer customer-token' } })).text();
      await (await fetch(`${app.url}/things/17?secret=1`)).text();
      await (await fetch(`${app.url}/health/live`)).text();
      const text = await (await fetch(`${app.url}/metrics`)).text();
      const requests = app.lines.filter((line) => line.message === 'request');
      assert.deepEqual(
        requests
          .slice(0, 3)
          .map(({ level, fields }) => [level, fields.method, fields.route, fields.status, fields.user_id]),
        [
          ['info', 'GET', '/things/own', 200, 7],
          ['info', 'GET', '/things/:id', 400, undefined],
          ['debug', 'GET', '/health/live', 200, undefined],
        ],
      );
      assert.ok(requests.every((line) => typeof line.fields.duration_ms === 'number'));
      assert.doesNotMatch(JSON.stringify(app.lines), /secret/);
      assert.match(
        text,
        /http_request_duration_seconds_count\{[^}]*method="GET",route="\/things\/:id",status="400"[^}]*\} 1/,
      );
    });
  });

  describe('health', () => {
    it('shows each dependency, and is 503 while one is away', async () => {
      let up = true;
      const app = await start({
        version: '1.2.3',
        readiness: [
          { name: 'postgres', check: async () => undefined },
          {
            name: 'kafka',
            check: async () => {
              if (!up) throw new Error('connect ECONNREFUSED 10.0.0.1:9092');
            },
          },
        ],
      });
      const ready = await fetch(`${app.url}/health/ready`);
      assert.equal(ready.status, 200);
      assert.deepEqual(await ready.json(), {
        data: {
          status: 'ready',
          checks: { postgres: { status: 'up' }, kafka: { status: 'up' } },
          dependencies: {},
        },
      });
      const summary = (await (await fetch(`${app.url}/health`)).json()) as { data: Record<string, unknown> };
      assert.equal(summary.data.service, 'things');
      assert.equal(summary.data.version, '1.2.3');

      up = false;
      const away = await fetch(`${app.url}/health/ready`);
      assert.equal(away.status, 503);
      const error = await errorOf(away);
      assert.deepEqual(error.details, {
        status: 'not_ready',
        checks: { postgres: { status: 'up' }, kafka: { status: 'down', reason: 'unreachable' } },
        dependencies: {},
      });
      assert.equal((await fetch(`${app.url}/health/live`)).status, 200);
    });

    it('shows the breakers of dependencies, and stays ready whatever they are', async () => {
      const states: Record<string, 'closed' | 'half_open' | 'open'> = { product: 'closed', redis: 'open' };
      const app = await start({ readiness: [], dependencies: () => states });
      const shown = async () => {
        const response = await fetch(`${app.url}/health/ready`);
        const { data } = (await response.json()) as { data: { status: string; dependencies: object } };
        return [response.status, data.status, data.dependencies];
      };
      assert.deepEqual(await shown(), [200, 'ready', { product: 'closed', redis: 'open' }]);
      states.redis = 'half_open';
      assert.deepEqual(await shown(), [200, 'ready', { product: 'closed', redis: 'half_open' }]);
    });

    it('bounds a check that hangs and does not start it again for every asker', async () => {
      let attempts = 0;
      const hang = () => {
        attempts += 1;
        return new Promise<void>(() => undefined);
      };
      const app = await start({ readiness: [{ name: 'redis', timeoutMs: 50, check: hang }] });
      for (let asked = 0; asked < 3; asked += 1) {
        const response = await fetch(`${app.url}/health/ready`);
        assert.equal(response.status, 503);
        assert.match(await response.text(), /no answer within 50 ms/);
      }
      assert.equal(attempts, 1);
    });
  });

  it('serves the OpenAPI document and the .proto files it was given', async () => {
    const app = await start({
      docs: { openapi: { openapi: '3.1.0' }, protos: { 'shop.proto': 'syntax = "proto3";' } },
    });
    assert.deepEqual(await (await fetch(`${app.url}/openapi.json`)).json(), { openapi: '3.1.0' });
    const proto = await fetch(`${app.url}/docs/shop.proto`);
    assert.deepEqual([proto.status, proto.headers.get('content-type')], [200, 'text/plain; charset=utf-8']);
    assert.equal(await proto.text(), 'syntax = "proto3";');
    assert.equal((await fetch(`${app.url}/docs/other.proto`)).status, 404);
  });

  it('takes further handlers before the 404, inside the same checks', async () => {
    const app = await start({
      extend: (express) => express.get('/page', (_req, res) => void res.type('html').send('<p>hello</p>')),
    });
    const response = await fetch(`${app.url}/page`);
    assert.equal(await response.text(), '<p>hello</p>');
    assert.ok(response.headers.get('x-request-id'));
  });
});
