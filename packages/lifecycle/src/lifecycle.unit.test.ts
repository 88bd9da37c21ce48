import assert from 'node:assert/strict';
import { silentLogger } from '@punctual/telemetry';
import { type Component, lifecycle, StopError, together } from './lifecycle.ts';

function recorder() {
  const log: string[] = [];
  const component = (name: string, overrides: Partial<Component> = {}): Component => ({
    name,
    async start() {
      log.push(`start ${name}`);
    },
    async stop() {
      log.push(`stop ${name}`);
    },
    ...overrides,
  });
  return { log, component };
}

describe('lifecycle', () => {
  it('starts in order and stops last-in-first-out, once', async () => {
    const { log, component } = recorder();
    const life = lifecycle(silentLogger());
    life.add(component('database'));
    life.add(component('broker'));
    life.add(component('http'));
    await life.start();
    await Promise.all([life.stop(), life.stop()]);
    assert.deepEqual(log, [
      'start database',
      'start broker',
      'start http',
      'stop http',
      'stop broker',
      'stop database',
    ]);
  });

  it('stops what was started when a start fails, and throws that error', async () => {
    const { log, component } = recorder();
    const life = lifecycle(silentLogger());
    life.add(component('database'));
    life.add(
      component('broker', {
        async start() {
          throw new Error('no broker');
        },
      }),
    );
    life.add(component('http'));
    await assert.rejects(life.start(), { message: 'no broker' });
    assert.deepEqual(log, ['start database', 'stop database']);
  });

  it('throws the error of the start even when stopping fails too', async () => {
    const { component } = recorder();
    const life = lifecycle(silentLogger());
    life.add(
      component('database', {
        async stop() {
          throw new Error('stuck');
        },
      }),
    );
    life.add(
      component('broker', {
        async start() {
          throw new Error('no broker');
        },
      }),
    );
    await assert.rejects(life.start(), { message: 'no broker' });
  });

  it('bounds the stop, goes on with the others and names what hung', async () => {
    const { log, component } = recorder();
    const life = lifecycle(silentLogger(), { stopTimeoutMs: 50 });
    life.add(component('database'));
    life.add(component('consumer', { stop: () => new Promise<void>(() => undefined) }));
    await life.start();
    await assert.rejects(life.stop(), (error) => {
      assert.ok(error instanceof StopError);
      assert.deepEqual(error.components, ['consumer']);
      return true;
    });
    assert.equal(log.at(-1), 'stop database');
  });

  it('does not start what comes after a stop', async () => {
    const { log, component } = recorder();
    const life = lifecycle(silentLogger());
    const gate = Promise.withResolvers<void>();
    life.add(component('database', { start: () => gate.promise }));
    life.add(component('http'));
    const starting = life.start();
    const stopping = life.stop();
    gate.resolve();
    await Promise.all([starting, stopping]);
    assert.deepEqual(log, ['stop database']);
  });
});

describe('components together', () => {
  it('start in order, and stop at the same time', async () => {
    const { log, component } = recorder();
    const httpHasStopped = Promise.withResolvers<void>();
    const grpc = component('grpc', {
      async stop() {
        await httpHasStopped.promise;
        log.push('stop grpc');
      },
    });
    const http = component('http', {
      async stop() {
        log.push('stop http');
        httpHasStopped.resolve();
      },
    });
    const servers = together('servers', [grpc, http]);
    await servers.start();
    await servers.stop();
    assert.deepEqual(log, ['start grpc', 'start http', 'stop http', 'stop grpc']);
  });

  it('stop what was started when a start fails', async () => {
    const { log, component } = recorder();
    const failing = component('http', { start: () => Promise.reject(new Error('port taken')) });
    await assert.rejects(together('servers', [component('grpc'), failing]).start(), { message: 'port taken' });
    assert.deepEqual(log, ['start grpc', 'stop grpc']);
  });

  it('name what did not stop, and stop the rest', async () => {
    const { log, component } = recorder();
    const failing = component('http', { stop: () => Promise.reject(new Error('stuck')) });
    const servers = together('servers', [failing, component('grpc')]);
    await servers.start();
    await assert.rejects(servers.stop(), (error) => error instanceof StopError && error.components.join() === 'http');
    assert.deepEqual(log, ['start http', 'start grpc', 'stop grpc']);
  });
});
