import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { Agent, request } from 'undici';
import { getThing, startTestApp, type TestApp, touchThing } from '../test/app-fixture.ts';
import { handle } from './index.ts';

/** A promise and the function that settles it from outside. */
function signal(): { promise: Promise<void>; fire: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { promise, fire: resolve };
}

describe('http server', () => {
  it('takes a free port and tells which', async () => {
    const app = await startTestApp();
    assert.ok(app.server.port > 0);
    assert.equal((await fetch(`${app.server.url}/health/live`)).status, 200);
    await app.server.stop();
  });

  it('says plainly that a port is in use', async () => {
    const app = await startTestApp();
    const second = startTestApp({ server: { port: app.server.port } });
    await assert.rejects(second, /cannot listen on 127\.0\.0\.1:\d+: another process is listening there/);
    await app.server.stop();
  });

  it('stops at once when nothing is under way, kept connections included', async () => {
    const app = await startTestApp();
    const agent = new Agent();
    const { body } = await request(`${app.url}/things/1`, { dispatcher: agent });
    await body.dump();
    const startedAt = performance.now();
    await app.server.stop();
    assert.ok(performance.now() - startedAt < 2_000);
    await agent.close();
  });

  it('lets a request under way finish, takes no new one, and says so in readiness first', async () => {
    const entered = signal();
    const release = signal();
    const app = await startTestApp({
      readiness: [],
      server: { readinessGraceMs: 1_000 },
      routes: [
        handle(getThing, async ({ params }) => {
          entered.fire();
          await release.promise;
          return { id: params.id };
        }),
      ],
    });
    const slow = fetch(`${app.url}/things/5`);
    await entered.promise;
    const stopped = app.server.stop();
    const ready = await fetch(`${app.url}/health/ready`);
    assert.equal(ready.status, 503);
    await ready.body?.cancel();
    await eventuallyRefused(app.server.port);
    release.fire();
    const response = await slow;
    assert.equal(response.status, 200);
    assert.deepEqual(await response.json(), { data: { id: 5 } });
    await stopped;
    await assert.rejects(fetch(`${app.url}/things/5`));
  });

  it('cuts what does not finish within the bound and logs it', async () => {
    const entered = signal();
    const app = await startTestApp({
      server: { drainTimeoutMs: 100 },
      routes: [
        handle(touchThing, async () => {
          entered.fire();
          await new Promise(() => undefined);
        }),
      ],
    });
    const hanging = fetch(`${app.url}/things/1/touch`, { method: 'POST' });
    await entered.promise;
    const refused = assert.rejects(hanging);
    await app.server.stop();
    await refused;
    assert.ok(app.lines.some((line) => line.level === 'warn' && line.message.includes('did not finish')));
  });

  it('answers 408 when headers come too slowly', async () => {
    const app = await startTestApp({ server: { headersTimeoutMs: 200, requestTimeoutMs: 200 } });
    const answer = await new Promise<string>((resolve, reject) => {
      const socket = connect(app.server.port, '127.0.0.1', () => socket.write('GET /things/1 HTTP/1.1\r\nhost'));
      let received = '';
      socket.on('data', (chunk) => {
        received += String(chunk);
      });
      socket.on('close', () => resolve(received));
      socket.on('error', reject);
    });
    assert.match(answer, /^HTTP\/1\.1 408 /);
    assert.match(answer, /"code":"TIMEOUT"/);
    await app.server.stop();
  });

  it('survives a client that goes away in the middle of its body', async () => {
    const app: TestApp = await startTestApp();
    const closed = signal();
    const socket = connect(app.server.port, '127.0.0.1', () => {
      socket.write(
        'POST /things HTTP/1.1\r\nhost: t\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"na',
      );
      socket.end();
      socket.resume();
    });
    socket.on('close', closed.fire);
    await closed.promise;
    assert.equal((await fetch(`${app.url}/health/live`)).status, 200);
    assert.equal(app.lines.filter((line) => line.level === 'error').length, 0);
    await app.server.stop();
  });
});

async function eventuallyRefused(port: number): Promise<void> {
  const deadline = Date.now() + 5_000;
  for (;;) {
    const isRefused = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.once('connect', () => {
        socket.destroy();
        resolve(false);
      });
      socket.once('error', () => resolve(true));
    });
    if (isRefused) return;
    assert.ok(Date.now() < deadline, 'the port still takes connections');
  }
}
