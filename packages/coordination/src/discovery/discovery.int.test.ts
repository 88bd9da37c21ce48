import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createMetrics, silentLogger } from '@punctual/telemetry';
import { eventually, testEtcd } from '@punctual/testing';
import { type EtcdServer, etcdServer } from '../../test/etcd-server.ts';
import { connectEtcd, type Etcd } from '../etcd/etcd.ts';
import { createEtcdResolver } from './etcd-resolver.ts';
import { createRegistration } from './registration.ts';
import type { Instance, Resolver } from './resolver.ts';

const ROTATION_LIMIT_MS = 5_000;
const STOP_LIMIT_MS = 1_500;
/** For processes that have yet to start, on a machine that is busy with other tests. */
const START = { timeoutMs: 40_000 };
const PROCESS = join(import.meta.dirname, '../../test/registered-process.ts');
const logger = silentLogger();

describe('services that find each other through etcd', function () {
  this.timeout(90_000);
  const etcds: Etcd[] = [];
  const children: ChildProcess[] = [];

  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    for (const etcd of etcds.splice(0)) etcd.close();
  });

  function connect(endpoint: string): Etcd {
    const etcd = connectEtcd({ endpoints: [endpoint], logger, metrics: createMetrics('test') });
    etcds.push(etcd);
    return etcd;
  }

  function resolverOf(etcd: Etcd, prefix: string, addresses: Record<string, Instance[]> = {}): Resolver {
    return createEtcdResolver({ etcd, prefix, addresses, logger, metrics: createMetrics('test') });
  }

  function registrationOf(etcd: Etcd, prefix: string, port: number) {
    return createRegistration({
      etcd,
      prefix,
      service: 'product',
      instance: `own-${port}`,
      describe: () => ({ http: `127.0.0.1:${port}`, version: '1', started_at: new Date().toISOString() }),
      logger,
      metrics: createMetrics('test'),
    });
  }

  function startProcess(endpoint: string, prefix: string, port: number): ChildProcess {
    const child = spawn(process.execPath, [PROCESS, endpoint, prefix, 'product', String(port)], { stdio: 'inherit' });
    children.push(child);
    return child;
  }

  /** What the listener was told last. */
  function follow(resolver: Resolver): { latest: () => string[]; lists: string[][] } {
    const lists: string[][] = [];
    resolver.watch('product', (instances) => lists.push(instances.map(({ http }) => http).sort()));
    return { lists, latest: () => lists.at(-1) ?? [] };
  }

  describe('on the etcd of the stack', () => {
    it('appear when they register, leave within 5 s when they are killed, and at once when they stop', async () => {
      const { endpoints, prefix } = testEtcd('discovery');
      const endpoint = endpoints[0] ?? '';
      const { latest } = follow(resolverOf(connect(endpoint), prefix));
      const [killed, stopped] = [startProcess(endpoint, prefix, 1), startProcess(endpoint, prefix, 2)];
      startProcess(endpoint, prefix, 3);
      await eventually(() => assert.deepEqual(latest(), ['127.0.0.1:1', '127.0.0.1:2', '127.0.0.1:3']), START);

      const killedAt = performance.now();
      killed.kill('SIGKILL');
      await eventually(() => assert.deepEqual(latest(), ['127.0.0.1:2', '127.0.0.1:3']));
      assert.ok(performance.now() - killedAt < ROTATION_LIMIT_MS, 'a dead instance stayed in rotation');

      const left = eventually(() => assert.deepEqual(latest(), ['127.0.0.1:3']));
      stopped.kill('SIGTERM');
      await once(stopped, 'exit');
      // Callers have heard of it before the process, and with it its ports, is gone.
      assert.deepEqual(latest(), ['127.0.0.1:3']);
      await left;
    });

    it('are passed over when their record cannot be read', async () => {
      const { endpoints, prefix } = testEtcd('broken-record');
      const etcd = connect(endpoints[0] ?? '');
      const record = { http: '127.0.0.1:5', version: '1', started_at: new Date().toISOString(), of_tomorrow: true };
      await etcd.write([
        { put: `${prefix}/services/product/a`, value: 'no JSON' },
        { put: `${prefix}/services/product/b`, value: '{"http":"nowhere"}' },
        { put: `${prefix}/services/product/c`, value: JSON.stringify(record) },
      ]);
      const { latest } = follow(resolverOf(etcd, prefix));
      await eventually(() => assert.deepEqual(latest(), ['127.0.0.1:5']));
    });
  });

  describe('when etcd is away', () => {
    let server: EtcdServer;
    const prefix = '/own';
    beforeEach(async () => {
      server = await etcdServer();
    });
    afterEach(() => server.remove());

    it('are known by the addresses of the configuration until it answers', async () => {
      const resolver = resolverOf(connect(server.endpoint), prefix, { product: [{ http: '127.0.0.1:1' }] });
      const { latest } = follow(resolver);
      assert.deepEqual(latest(), ['127.0.0.1:1']);
      await server.start();
      const registration = registrationOf(connect(server.endpoint), prefix, 2);
      await registration.start();
      await eventually(() => assert.deepEqual(latest(), ['127.0.0.1:2']));
      await registration.stop();
    });

    it('stay known, find each other again when it is back, and never an empty list when it comes back empty', async () => {
      await server.start();
      const { latest, lists } = follow(resolverOf(connect(server.endpoint), prefix));
      const registrations = [2, 3].map((port) => registrationOf(connect(server.endpoint), prefix, port));
      for (const registration of registrations) await registration.start();
      const both = ['127.0.0.1:2', '127.0.0.1:3'];
      await eventually(() => assert.deepEqual(latest(), both));

      await server.kill();
      const own = connect(server.endpoint);
      await assert.rejects(own.list(prefix), { name: 'EtcdUnavailable', retryable: true });
      assert.deepEqual(latest(), both);

      server.empty();
      await server.start();
      await eventually(async () => assert.equal((await own.list(`${prefix}/services/`)).entries.length, 2));
      await eventually(() => assert.deepEqual(latest(), both));

      startProcess(server.endpoint, prefix, 4);
      await eventually(() => assert.deepEqual(latest(), [...both, '127.0.0.1:4']), START);
      assert.ok(
        lists.every((list) => list.length > 0),
        JSON.stringify(lists),
      );
      for (const registration of registrations) await registration.stop();
    });

    it('register again when they were frozen for longer than their lease', async () => {
      await server.start();
      const { latest } = follow(resolverOf(connect(server.endpoint), prefix));
      const registration = registrationOf(connect(server.endpoint), prefix, 2);
      await registration.start();
      const other = startProcess(server.endpoint, prefix, 3);
      await eventually(() => assert.deepEqual(latest(), ['127.0.0.1:2', '127.0.0.1:3']), START);
      other.kill('SIGSTOP');
      await eventually(() => assert.deepEqual(latest(), ['127.0.0.1:2']));
      other.kill('SIGCONT');
      await eventually(() => assert.deepEqual(latest(), ['127.0.0.1:2', '127.0.0.1:3']));
      await registration.stop();
    });

    it('stop without waiting for it while it hangs', async () => {
      await server.start();
      const { latest } = follow(resolverOf(connect(server.endpoint), prefix));
      const registration = registrationOf(connect(server.endpoint), prefix, 2);
      await registration.start();
      await eventually(() => assert.deepEqual(latest(), ['127.0.0.1:2']));
      server.signal('SIGSTOP');
      const stoppedAt = performance.now();
      await registration.stop();
      const elapsedMs = performance.now() - stoppedAt;
      assert.ok(elapsedMs < STOP_LIMIT_MS, `it took ${elapsedMs} ms`);
    });
  });
});
