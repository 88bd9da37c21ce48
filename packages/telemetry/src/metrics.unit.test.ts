import assert from 'node:assert/strict';
import { createMetrics } from './metrics.ts';

describe('createMetrics', () => {
  it('returns the same metric for the same name, and labels it with the service', async () => {
    const metrics = createMetrics('order');
    const options = { name: 'orders_total', help: 'Orders', labelNames: ['outcome'] as const };
    metrics.counter(options).inc({ outcome: 'placed' });
    metrics.counter(options).inc({ outcome: 'placed' });
    assert.match(await metrics.registry.metrics(), /orders_total\{outcome="placed",service="order"\} 2/);
  });

  it('refuses a name that is taken by another kind of metric', () => {
    const metrics = createMetrics('order');
    metrics.counter({ name: 'things', help: 'Things' });
    assert.throws(() => metrics.gauge({ name: 'things', help: 'Things' }), TypeError);
    assert.throws(() => metrics.histogram({ name: 'things', help: 'Things' }), TypeError);
  });

  it('keeps the registries of several applications in a process apart', async () => {
    const first = createMetrics('first');
    const second = createMetrics('second');
    first.counter({ name: 'a_total', help: 'A' }).inc();
    assert.doesNotMatch(await second.registry.metrics(), /a_total/);
  });

  it('adds the metrics of the process on request, once', async () => {
    const metrics = createMetrics('order');
    assert.doesNotMatch(await metrics.registry.metrics(), /process_resident_memory_bytes/);
    metrics.processMetrics();
    metrics.processMetrics();
    assert.match(await metrics.registry.metrics(), /process_resident_memory_bytes/);
  });
});
