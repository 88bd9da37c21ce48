import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { ProductServiceDefinition } from '@punctual/contracts/grpc/product';
import { AppError, unavailable } from '@punctual/http';
import { DependencyUnavailable } from '@punctual/resilience';
import { currentContext, parseTraceparent, runWithContext } from '@punctual/telemetry';
import { eventually, tcpProxy } from '@punctual/testing';
import { Status } from 'nice-grpc';
import {
  changingResolver,
  HOST,
  type ProductCalls,
  startClient,
  startServer,
  type TestClient,
  type TestServer,
} from '../test/grpc-fixture.ts';
import { runInCall } from './incoming-call.ts';

/** Conditions that depend on load, on machines that are busy. */
const PATIENT = { timeoutMs: 40_000 };

/** The product that takes its time. */
const SLOW = 7;

/** Ends at the given place in the test, so that nothing is waited for by time. */
const gate = () => Promise.withResolvers<void>();

/** The catalog as if reading a product twice did harm. */
const UNMARKED = {
  ...ProductServiceDefinition,
  methods: {
    ...ProductServiceDefinition.methods,
    getProduct: { ...ProductServiceDefinition.methods.getProduct, options: {} },
  },
} as typeof ProductServiceDefinition;

describe('A call', function () {
  this.timeout(60_000);
  const servers: TestServer[] = [];
  const clients: TestClient[] = [];
  const closing: (() => void)[] = [];

  const serve = async (calls: Partial<ProductCalls>, overrides: Parameters<typeof startServer>[1] = {}) => {
    const started = await startServer(calls, overrides);
    servers.push(started);
    return started;
  };
  const connect = (...args: Parameters<typeof startClient>) => {
    const client = startClient(...args);
    clients.push(client);
    return client;
  };
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close();
    for (const close of closing.splice(0)) close();
    await Promise.all(servers.splice(0).map(({ server }) => server.stop()));
  });

  const failure = async (call: Promise<unknown>): Promise<unknown> =>
    await call.then(
      () => assert.fail('no error'),
      (reason: unknown) => reason,
    );
  const codeOf = async (call: Promise<unknown>): Promise<string> => {
    const error = await failure(call);
    assert.ok(error instanceof AppError, String(error));
    return error.code;
  };

  describe('in time', () => {
    it('is given up at its deadline, and the server is told', async () => {
      const told = gate();
      const { server } = await serve({
        async getProduct({ id }, call) {
          if (id === 1) return {};
          call.signal.addEventListener('abort', () => told.resolve());
          await told.promise;
          return {};
        },
      });
      const client = connect(server.address);
      await client.calls.getProduct({ id: 1 });
      assert.equal(await codeOf(client.calls.getProduct({ id: 2 }, { timeoutMs: 50 })), 'TIMEOUT');
      await told.promise;
    });

    it('that is made for another call does not outlive that one', async () => {
      const release = gate();
      const slow = await serve({
        async getProduct() {
          await release.promise;
          return {};
        },
      });
      const inner = connect(slow.server.address, { timeoutMs: 60_000 });
      let innerCode: Promise<string> | undefined;
      const { server } = await serve({
        async getProduct() {
          innerCode = codeOf(inner.calls.getProduct({ id: 1 }));
          return await inner.calls.getProduct({ id: 1 });
        },
      });
      const client = connect(server.address);
      assert.equal(await codeOf(client.calls.getProduct({ id: 1 }, { timeoutMs: 1_000 })), 'TIMEOUT');
      // By its deadline, or since its caller has gone, whichever is noticed first.
      assert.match((await innerCode) ?? '', /^(?:TIMEOUT|UNAVAILABLE)$/);
      release.resolve();
    });

    it('is given up when its policy does so', async () => {
      const told = gate();
      const { server } = await serve({
        async getProduct(_request, call) {
          call.signal.addEventListener('abort', () => told.resolve());
          await told.promise;
          return {};
        },
      });
      const client = connect(server.address, { guard: { timeoutMs: 500 } });
      const error = await failure(client.calls.getProduct({ id: 1 }));
      assert.ok(error instanceof DependencyUnavailable && error.reason === 'timeout');
      await told.promise;
    });
  });

  describe('that fails', () => {
    const failing = async (error: () => Error) => {
      let attempts = 0;
      const started = await serve({
        async getProduct() {
          attempts += 1;
          throw error();
        },
      });
      return { address: started.server.address, attempts: () => attempts };
    };

    /** Answers with a status of gRPC's and not a word of ours, as a proxy does that has lost its server. */
    async function speechless() {
      let attempts = 0;
      const server = createServer();
      server.on('stream', (stream) => {
        attempts += 1;
        const headers = { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': Status.UNAVAILABLE };
        stream.respond(headers, { endStream: true });
      });
      server.listen(0, HOST);
      await once(server, 'listening');
      closing.push(() => server.close());
      return { address: `${HOST}:${(server.address() as AddressInfo).port}`, attempts: () => attempts };
    }

    it('with UNAVAILABLE is tried three times when that does no harm', async () => {
      const target = await speechless();
      assert.equal(await codeOf(connect(target.address).calls.getProduct({ id: 1 })), 'UNAVAILABLE');
      assert.equal(target.attempts(), 3);
    });

    it('with UNAVAILABLE that the service says is tried once, since it knows when to come back', async () => {
      const target = await failing(() => unavailable('database'));
      assert.equal(await codeOf(connect(target.address).calls.getProduct({ id: 1 })), 'UNAVAILABLE');
      assert.equal(target.attempts(), 1);
    });

    it('with a refusal is tried once', async () => {
      for (const code of ['NOT_FOUND', 'OUT_OF_STOCK', 'RATE_LIMITED', 'INTERNAL'] as const) {
        const target = await failing(() => new AppError({ code, message: 'no' }));
        assert.equal(await codeOf(connect(target.address).calls.getProduct({ id: 1 })), code);
        assert.equal(target.attempts(), 1);
      }
    });

    it('with UNAVAILABLE is tried once when its method does not say that it may be repeated', async () => {
      const target = await speechless();
      const client = connect(target.address, { definition: UNMARKED });
      assert.equal(await codeOf(client.calls.getProduct({ id: 1 })), 'TIMEOUT', 'it may have been done');
      assert.equal(target.attempts(), 1);
      const away = connect(`${HOST}:1`, { definition: UNMARKED });
      assert.equal(await codeOf(away.calls.getProduct({ id: 1 })), 'UNAVAILABLE', 'it was not sent');
    });

    it('opens the breaker, and a refusal does not', async () => {
      for (const code of ['NOT_FOUND', 'UNAVAILABLE', 'TIMEOUT'] as const) {
        const refusing = await failing(() => new AppError({ code, message: 'no' }));
        const refused = connect(refusing.address, { guard: { breakAfter: 2 } });
        for (let n = 0; n < 5; n += 1) assert.equal(await codeOf(refused.calls.getProduct({ id: 1 })), code);
      }
      const away = connect(`${HOST}:1`, { guard: { breakAfter: 2 } });
      for (let n = 0; n < 2; n += 1) assert.equal(await codeOf(away.calls.getProduct({ id: 1 })), 'UNAVAILABLE');
      const error = await failure(away.calls.getProduct({ id: 1 }));
      assert.ok(error instanceof DependencyUnavailable && error.reason === 'breaker_open');
    });

    it('does not open the breaker when it waited for its turn, or its caller had less time than it takes, or left', async () => {
      const release = gate();
      let held = release.promise;
      let begun = 0;
      const { server } = await serve({
        async getProduct({ id }) {
          begun += 1;
          if (id === SLOW) await held;
          return {};
        },
      });
      const hasBegun = (count: number) => eventually(() => assert.equal(begun, count));
      const client = connect(server.address, { guard: { breakAfter: 1, concurrency: 1 } });
      const slow = client.calls.getProduct({ id: SLOW });
      await hasBegun(1);
      const waiting = codeOf(client.calls.getProduct({ id: 1 }, { timeoutMs: 20 }));
      await delay(40);
      release.resolve();
      await slow;
      assert.equal(await waiting, 'UNAVAILABLE', 'it was not made');
      assert.equal(begun, 1);

      const hung = gate();
      held = hung.promise;
      const { signal } = new AbortController();
      const incoming = { deadlineAtMs: Date.now() + 100, signal };
      assert.equal(await runInCall(incoming, () => codeOf(client.calls.getProduct({ id: SLOW }))), 'TIMEOUT');
      const abort = new AbortController();
      const before = begun;
      const left = codeOf(client.calls.getProduct({ id: SLOW }, { signal: abort.signal }));
      await hasBegun(before + 1);
      abort.abort();
      assert.equal(await left, 'UNAVAILABLE');
      hung.resolve();
      await client.calls.getProduct({ id: 1 });
    });

    it('for want of an address fails at once', async () => {
      const client = connect(changingResolver(), { timeoutMs: 60_000 });
      assert.equal(await codeOf(client.calls.getProduct({ id: 1 })), 'UNAVAILABLE');
    });
  });

  describe('among several instances', () => {
    const counting = async () => {
      let calls = 0;
      const started = await serve({
        async getProduct({ id }) {
          calls += 1;
          return { product: { id } };
        },
      });
      return { ...started, calls: () => calls };
    };

    it('takes each in turn', async () => {
      const [one, two] = [await counting(), await counting()];
      const client = connect(changingResolver(one.server.address, two.server.address));
      // Both connections have to be there before turns can be taken.
      await eventually(async () => {
        await client.calls.getProduct({ id: 1 });
        assert.ok(one.calls() > 0 && two.calls() > 0);
      }, PATIENT);
      const before = [one.calls(), two.calls()] as const;
      await Promise.all(Array.from({ length: 100 }, () => client.calls.getProduct({ id: 1 })));
      assert.deepEqual([one.calls() - before[0], two.calls() - before[1]], [50, 50]);
    });

    it('finds the connection there when it was begun before', async () => {
      const one = await counting();
      const proxy = await tcpProxy(`tcp://${one.server.address}`);
      const client = connect(`${HOST}:${proxy.port}`);
      assert.equal(proxy.connections(), 0);
      client.connect();
      await eventually(() => assert.equal(proxy.connections(), 1), PATIENT);
      assert.equal(one.calls(), 0);
      await proxy.stop();
    });

    it('does not wait for one that keeps its connection and says nothing', async () => {
      const [one, two] = [await counting(), await counting()];
      const way = await tcpProxy(`tcp://${one.server.address}`);
      const client = connect(changingResolver(`${HOST}:${way.port}`, two.server.address), { timeoutMs: 20_000 });
      await eventually(async () => {
        await client.calls.getProduct({ id: 1 });
        assert.ok(one.calls() > 0 && two.calls() > 0);
      }, PATIENT);
      way.stall();
      // Every other call meets it. When a ping is not answered either, the other instance is asked.
      await Promise.all(Array.from({ length: 10 }, () => client.calls.getProduct({ id: 1 })));
      await way.stop();
    });

    it('goes where the resolver says from the next moment on', async () => {
      const [one, two] = [await counting(), await counting()];
      const resolver = changingResolver(one.server.address);
      const client = connect(resolver);
      await client.calls.getProduct({ id: 1 });
      assert.deepEqual([one.calls(), two.calls()], [1, 0]);
      resolver.set(two.server.address);
      await eventually(async () => {
        await client.calls.getProduct({ id: 1 });
        assert.ok(two.calls() > 0);
      }, PATIENT);
      const before = one.calls();
      for (let n = 0; n < 20; n += 1) await client.calls.getProduct({ id: 1 });
      assert.equal(one.calls(), before);
    });

    it('fails at most if its answer had begun when one of them is gone under load', async () => {
      const [one, two] = [await counting(), await counting()];
      const proxy = await tcpProxy(`tcp://${one.server.address}`);
      const client = connect(changingResolver(`${HOST}:${proxy.port}`, two.server.address));
      let answered = 0;
      let stopping = false;
      const failedSentAtMs: number[] = [];
      const worker = async () => {
        while (!stopping) {
          const sentAtMs = performance.now();
          try {
            const { product } = await client.calls.getProduct({ id: 5 });
            assert.equal(product?.id, 5);
            answered += 1;
          } catch (error) {
            assert.ok(error instanceof AppError && error.code === 'UNAVAILABLE', String(error));
            failedSentAtMs.push(sentAtMs);
          }
        }
      };
      const load = Promise.all(Array.from({ length: 20 }, worker));
      await eventually(() => assert.ok(one.calls() > 20 && two.calls() > 20), PATIENT);
      await proxy.stop();
      const atEnd = { answered, one: one.calls(), ms: performance.now() };
      await eventually(() => assert.ok(answered > atEnd.answered + 100), PATIENT);
      stopping = true;
      await load;
      // gRPC sends nothing again of which an answer has begun.
      assert.ok(
        failedSentAtMs.every((sentAtMs) => sentAtMs < atEnd.ms),
        'a call failed that was made after the end',
      );
      assert.ok(one.calls() - atEnd.one < 25, 'the dead one is asked no more');
    });

    it('does not fail when one of them stops under load', async () => {
      const [one, two] = [await counting(), await counting()];
      const client = connect(changingResolver(one.server.address, two.server.address), { definition: UNMARKED });
      let answered = 0;
      let stopping = false;
      const worker = async () => {
        while (!stopping) {
          await client.calls.getProduct({ id: 5 });
          answered += 1;
        }
      };
      const load = Promise.all(Array.from({ length: 20 }, worker));
      await eventually(() => assert.ok(one.calls() > 20 && two.calls() > 20), PATIENT);
      await one.server.stop();
      const atStop = answered;
      await eventually(() => assert.ok(answered > atStop + 100), PATIENT);
      stopping = true;
      await load;
    });
  });

  describe('and what it carries', () => {
    it('has request id, correlation id and trace of the request that it is made for', async () => {
      let seen: ReturnType<typeof currentContext>;
      const { server, lines } = await serve({
        async getProduct() {
          seen = currentContext();
          return {};
        },
      });
      const client = connect(server.address);
      const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
      await runWithContext({ requestId: 'request-0001', correlationId: 'correlation-1', traceparent }, () =>
        client.calls.getProduct({ id: 1 }),
      );
      assert.deepEqual([seen?.requestId, seen?.correlationId], ['request-0001', 'correlation-1']);
      const trace = parseTraceparent(seen?.traceparent);
      assert.equal(trace?.traceId, '0af7651916cd43dd8448eb211c80319c');
      assert.notEqual(trace?.spanId, 'b7ad6b7169203331');
      const line = lines.find(({ message }) => message === 'call');
      assert.deepEqual(
        { ...line?.fields, duration_ms: 0 },
        { method: 'punctual.v1.ProductService/GetProduct', code: 'OK', duration_ms: 0, caller: 'order' },
      );
    });

    it('is counted on both sides', async () => {
      const { server, metrics } = await serve({
        async getProduct() {
          throw new AppError({ code: 'NOT_FOUND', message: 'no' });
        },
      });
      const client = connect(server.address);
      await codeOf(client.calls.getProduct({ id: 1 }));
      const atServer = await metrics.registry.metrics();
      const atClient = await client.metrics.registry.metrics();
      assert.match(
        atServer,
        /grpc_server_handled_seconds_count\{service="product",method="punctual.v1.ProductService\/GetProduct",code="NOT_FOUND"\} 1/,
      );
      assert.match(
        atClient,
        /grpc_client_handled_seconds_count\{service="order",dependency="product",method="GetProduct",code="NOT_FOUND"\} 1/,
      );
    });
  });
});
