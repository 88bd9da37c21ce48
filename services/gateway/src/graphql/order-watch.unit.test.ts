import assert from 'node:assert/strict';
import { mock } from 'node:test';
import type { KafkaFollower } from '@punctual/messaging';
import { createMetrics } from '@punctual/telemetry';
import { createOrderWatch } from './order-watch.ts';

const MINUTE_MS = 60_000;

const silent: KafkaFollower = {
  name: 'silent',
  start: async () => undefined,
  stop: async () => undefined,
  ping: async () => undefined,
};

describe('watching an order', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setInterval'] }));
  afterEach(() => mock.timers.reset());

  it('asks to look again within a minute, for an event that was missed for whatever reason', async () => {
    const watch = createOrderWatch({
      kafka: { follow: () => silent },
      limits: { perClient: 1, perProcess: 1 },
      metrics: createMetrics('test'),
    });
    const leaving = new AbortController();
    const watcher = watch.open(5, 'u:7', leaving.signal);
    for (let minute = 0; minute < 2; minute += 1) {
      const news = watcher.next();
      mock.timers.tick(MINUTE_MS);
      assert.equal(await news, 'refresh');
    }
    leaving.abort();
    mock.timers.tick(MINUTE_MS);
    assert.equal(await watcher.next(), undefined);
    await watch.stop();
  });
});
