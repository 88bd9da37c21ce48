import assert from 'node:assert/strict';
import { runWithContext } from '@punctual/telemetry';
import { z } from 'zod';
import { getOwn, getThing, startTestApp, type TestApp, touchThing } from '../test/app-fixture.ts';
import { AppError, createServiceClient, handle, notFound, type ServiceClient } from './index.ts';

const thing = z.object({ id: z.number() });

describe('service client', () => {
  let app: TestApp;
  let client: ServiceClient;
  let seenHeaders: Record<string, string | string[] | undefined> = {};

  before(async () => {
    app = await startTestApp({
      routes: [
        handle(getThing, ({ params, headers }) => {
          seenHeaders = headers;
          if (params.id === 404) throw notFound('thing', params.id);
          if (params.id === 500) throw new Error('broken');
          return { id: params.id };
        }),
        handle(getOwn, ({ identity }) => ({ user_id: identity.userId, role: identity.role })),
        handle(touchThing, () => new Promise<undefined>(() => undefined)),
      ],
      server: { drainTimeoutMs: 100 },
    });
    client = createServiceClient({ name: 'things', baseUrl: app.url, timeoutMs: 200 });
  });
  after(async () => {
    await client.close();
    await app.server.stop();
  });

  const failsWith = (call: Promise<unknown>, code: string, status: number) =>
    assert.rejects(call, (error) => error instanceof AppError && error.code === code && error.status === status);

  it('returns what stands in data, checked', async () => {
    assert.deepEqual(await client.request({ path: '/things/3', schema: thing }), { id: 3 });
    await failsWith(client.request({ path: '/things/3', schema: z.object({ id: z.string() }) }), 'UNAVAILABLE', 503);
  });

  it('passes on the request id, the trace and, when given, the authorization', async () => {
    const traceId = 'c'.repeat(32);
    const context = {
      requestId: 'request-1',
      correlationId: 'journey-1',
      traceparent: `00-${traceId}-${'d'.repeat(16)}-01`,
    };
    await runWithContext(context, () => client.request({ path: '/things/3', schema: thing }));
    assert.equal(seenHeaders['x-request-id'], 'request-1');
    assert.equal(seenHeaders['x-correlation-id'], 'journey-1');
    assert.match(String(seenHeaders.traceparent), new RegExp(`^00-${traceId}-`));
    assert.equal(seenHeaders.authorization, undefined);
    const own = z.object({ user_id: z.number() });
    const authorization = 'Bearer customer-token';
    assert.deepEqual(await client.request({ path: '/things/own', authorization, schema: own }), { user_id: 7 });
  });

  it('throws a refusal as the other service stated it', async () => {
    await failsWith(client.request({ path: '/things/404', schema: thing }), 'NOT_FOUND', 404);
    await failsWith(client.request({ path: '/things/own', schema: thing }), 'UNAUTHENTICATED', 401);
  });

  it('is unavailable when the other service fails, hangs or is away', async () => {
    await failsWith(client.request({ path: '/things/500', schema: thing }), 'UNAVAILABLE', 503);
    await failsWith(client.request({ method: 'POST', path: '/things/1/touch', schema: thing }), 'UNAVAILABLE', 503);
    const nowhere = createServiceClient({ name: 'things', baseUrl: 'http://127.0.0.1:1' });
    await failsWith(nowhere.request({ path: '/things/1', schema: thing }), 'UNAVAILABLE', 503);
    await nowhere.close();
  });
});
