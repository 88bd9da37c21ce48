import assert from 'node:assert/strict';
import type { Topology } from '../topology.ts';
import { createRouter, type Router } from './router.ts';
import type { WireMessage } from './wire.ts';

const HOUR_MS = 3_600_000;
const topology: Topology = {
  exchanges: ['jobs'],
  delayed: [{ name: 'timers', strategy: 'auto', stepsMs: [4 * HOUR_MS], arbitrary: true }],
  queues: [],
};

async function routerWhere({ hasPlugin }: { hasPlugin: boolean }): Promise<Router> {
  const router = createRouter([topology]);
  await router.resolveStrategies(async () => hasPlugin);
  return router;
}

function message(exchange: string, dueInMs?: number): WireMessage {
  const due = dueInMs === undefined ? {} : { dueAtMs: Date.now() + dueInMs };
  return { exchange, routingKey: 'k', body: Buffer.from('{}'), id: '1', type: 't', headers: {}, ...due };
}

describe('routing a message of the topology', () => {
  it('sends plain messages to their exchange, mandatory', async () => {
    const routed = (await routerWhere({ hasPlugin: false })).route(message('jobs'));
    assert.deepEqual([routed?.exchange, routed?.mandatory], ['jobs', true]);
  });

  it('finds no way to an exchange that nobody declared', async () => {
    assert.equal((await routerWhere({ hasPlugin: false })).route(message('nowhere')), undefined);
  });

  it('finds no way for a due time through a plain exchange, which would forget it', async () => {
    assert.equal((await routerWhere({ hasPlugin: false })).route(message('jobs', HOUR_MS)), undefined);
  });

  it('resolves auto to queues with a TTL where the broker has no plugin', async () => {
    const router = await routerWhere({ hasPlugin: false });
    const routed = router.route(message('timers', 4 * HOUR_MS));
    assert.equal(router.strategyOf('timers'), 'ttl');
    assert.deepEqual([routed?.exchange, routed?.mandatory], [`timers.delay.${4 * HOUR_MS}`, true]);
    assert.ok(Number(routed?.message.headers['x-due-at']) > Date.now());
  });

  it('resolves auto to the plugin where the broker has it, and asks for no mandatory there', async () => {
    const router = await routerWhere({ hasPlugin: true });
    const routed = router.route(message('timers', 4 * HOUR_MS));
    assert.equal(router.strategyOf('timers'), 'plugin');
    assert.deepEqual([routed?.exchange, routed?.mandatory], ['timers', false]);
    const delay = Number(routed?.message.headers['x-delay']);
    assert.ok(delay > 4 * HOUR_MS - 1_000 && delay <= 4 * HOUR_MS);
  });

  it('asks the plugin for no more than it can count: the rest is another hop', async () => {
    const routed = (await routerWhere({ hasPlugin: true })).route(message('timers', 2 ** 33));
    assert.equal(routed?.message.headers['x-delay'], 2 ** 32 - 1);
  });

  it('sends what is due already straight to the due exchange, whatever the strategy', async () => {
    for (const hasPlugin of [false, true]) {
      const routed = (await routerWhere({ hasPlugin })).route(message('timers', -1));
      assert.deepEqual([routed?.exchange, routed?.mandatory], ['timers.due', true]);
    }
  });

  it('asks the broker once for all exchanges that are auto, and not at all for the others', async () => {
    let asked = 0;
    const named = (name: string, strategy: 'auto' | 'ttl') => ({ name, strategy, stepsMs: [1], arbitrary: false });
    const router = createRouter([
      { exchanges: [], delayed: [named('a', 'auto'), named('b', 'auto'), named('c', 'ttl')], queues: [] },
    ]);
    await router.resolveStrategies(async () => {
      asked += 1;
      return true;
    });
    assert.deepEqual([asked, router.strategyOf('b'), router.strategyOf('c')], [1, 'plugin', 'ttl']);
  });
});
