import assert from 'node:assert/strict';
import { errorOf, startTestApp, type TestApp, touchThing } from '../test/app-fixture.ts';
import { AppError, conflict, type HttpAppOptions, handle } from './index.ts';

describe('errors', () => {
  const running: TestApp[] = [];
  const start = async (options: Partial<HttpAppOptions>) => {
    const app = await startTestApp(options);
    running.push(app);
    return app;
  };
  afterEach(async () => {
    for (const app of running.splice(0)) await app.server.stop();
  });

  const failing = (error: unknown) =>
    start({
      routes: [
        handle(touchThing, () => {
          throw error;
        }),
      ],
    });
  const touch = (app: TestApp, headers: Record<string, string> = {}) =>
    fetch(`${app.url}/things/1/touch`, { method: 'POST', headers });

  it('that are expected carry their status, code and details', async () => {
    const app = await failing(conflict('OUT_OF_STOCK', 'Only 2 are left.', { available: 2 }));
    const response = await touch(app);
    assert.equal(response.status, 409);
    const error = await errorOf(response);
    assert.deepEqual(error, {
      code: 'OUT_OF_STOCK',
      message: 'Only 2 are left.',
      details: { available: 2 },
      request_id: response.headers.get('x-request-id'),
    });
  });

  it('are problem details for whoever asks for them', async () => {
    const app = await failing(conflict('OUT_OF_STOCK', 'Only 2 are left.'));
    const response = await touch(app, { accept: 'application/problem+json, application/json' });
    assert.match(response.headers.get('content-type') ?? '', /^application\/problem\+json/);
    const body = (await response.json()) as Record<string, unknown>;
    assert.equal(body.status, 409);
    assert.equal(body.title, 'Conflict');
    assert.deepEqual(Object.keys(body), ['type', 'title', 'status', 'detail', 'error']);
  });

  it('that nobody expected are a 500 that reveals nothing and a log line that tells all', async () => {
    const app = await failing(new Error('password=hunter2 at 10.0.0.1'));
    const response = await touch(app);
    assert.equal(response.status, 500);
    const text = await response.text();
    assert.doesNotMatch(text, /hunter2|10\.0\.0\.1|at /);
    const line = app.lines.find((entry) => entry.level === 'error');
    assert.ok(line?.fields.error instanceof Error && line.fields.error.message.includes('hunter2'));
  });

  it('that are no errors at all are a 500 too', async () => {
    for (const thrown of [undefined, null, 'text', 0, {}, { status: 200, statusCode: 200 }]) {
      const app = await failing(thrown);
      assert.equal((await touch(app)).status, 500);
    }
  });

  it('of a database that is away are a 503 with Retry-After', async () => {
    const codes = ['ECONNREFUSED', '57P01', '53300', '08006', '25006', '53100', '57014', '40001', '40P01', '55P03'];
    const errors = codes.map((code) => Object.assign(new Error('away'), { code }));
    errors.push(Object.assign(new Error('away'), { code: 'UNAVAILABLE', retryable: true, dependency: 'postgres' }));
    for (const error of errors) {
      const app = await failing(error);
      const response = await touch(app);
      assert.equal(response.status, 503, error.code);
      assert.equal(response.headers.get('retry-after'), '1');
      assert.equal((await errorOf(response)).code, 'UNAVAILABLE');
    }
    const duplicate = await failing(Object.assign(new Error('duplicate'), { code: '23505' }));
    assert.equal((await touch(duplicate)).status, 500);
  });

  it('of what may have been done are a 504: a commit whose answer was lost, a call that took too long', async () => {
    const lost = { code: 'UNAVAILABLE', retryable: true, dependency: 'postgres', commitUnknown: true };
    const late = { retryable: true, dependency: 'payment', reason: 'timeout' };
    for (const [fields, dependency] of [
      [lost, 'database'],
      [late, 'payment'],
    ] as const) {
      const response = await touch(await failing(Object.assign(new Error('lost'), fields)));
      const { code, details } = await errorOf(response);
      assert.deepEqual([response.status, code, details], [504, 'TIMEOUT', { dependency }]);
    }
  });

  it('of a dependency that is left alone are a 503 that says until when, and at least a second', async () => {
    for (const [retryAfterSeconds, header] of [
      [17, '17'],
      [0, '1'],
    ] as const) {
      const error = Object.assign(new Error('breaker open'), {
        retryable: true,
        dependency: 'stock',
        retryAfterSeconds,
      });
      const response = await touch(await failing(error));
      assert.equal(response.status, 503);
      assert.equal(response.headers.get('retry-after'), header);
      assert.deepEqual((await errorOf(response)).details, { dependency: 'stock' });
    }
  });

  it('of the domain are what their code says, without knowing HTTP', async () => {
    const app = await failing(
      Object.assign(new Error('The order is PAID.'), { code: 'ILLEGAL_TRANSITION', details: { status: 'PAID' } }),
    );
    const response = await touch(app);
    assert.equal(response.status, 409);
    const { code, message, details } = await errorOf(response);
    assert.deepEqual([code, message, details], ['ILLEGAL_TRANSITION', 'The order is PAID.', { status: 'PAID' }]);
    const internal = await failing(Object.assign(new Error('secret'), { code: 'INTERNAL' }));
    assert.doesNotMatch(await (await touch(internal)).text(), /secret/);
  });

  it('of a service’s own are mapped by the service', async () => {
    const app = await start({
      mapError: (error) =>
        error instanceof RangeError ? new AppError({ code: 'ILLEGAL_TRANSITION', message: 'No.' }) : undefined,
      routes: [
        handle(touchThing, async () => {
          throw new RangeError();
        }),
      ],
    });
    assert.equal((await touch(app)).status, 409);
  });
});
