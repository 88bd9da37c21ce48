import assert from 'node:assert/strict';
import { createPolicies } from '@punctual/resilience';
import { createMetrics, silentLogger } from '@punctual/telemetry';
import { eventually, testRedis } from '@punctual/testing';
import { createRequestLocks, type RequestLocks } from './request-lock.ts';

/** Nothing listens on the discard port. */
const NOWHERE = [{ host: '127.0.0.1', port: 9 }];

describe('request locks', () => {
  let locks: RequestLocks;
  const logger = silentLogger();
  /** Each with breakers of its own. */
  const parts = (metrics = createMetrics('order')) => ({
    policies: createPolicies(
      { CIRCUIT_BREAKER_MAX_REQUESTS: 1, CIRCUIT_BREAKER_INTERVAL: 60_000, CIRCUIT_BREAKER_TIMEOUT: 300 },
      { logger, metrics },
    ),
    logger,
    metrics,
  });

  before(async () => {
    locks = createRequestLocks({ ...testRedis('request-lock'), ...parts() });
    await locks.start();
    await eventually(() => locks.ping());
  });
  after(() => locks.stop());

  it('are held by one at a time, and can be had again once released', async () => {
    const first = await locks.acquire(1, 'a');
    assert.ok(first.state === 'acquired');
    assert.equal((await locks.acquire(1, 'a')).state, 'held');
    await first.release();
    const again = await locks.acquire(1, 'a');
    assert.ok(again.state === 'acquired');
    await again.release();
  });

  it('are one per user and request, so that nobody waits for another', async () => {
    const taken = await Promise.all([locks.acquire(1, 'b'), locks.acquire(2, 'b'), locks.acquire(1, 'c')]);
    for (const lock of taken) {
      assert.ok(lock.state === 'acquired');
      await lock.release();
    }
  });

  it('go to exactly one of many who ask at once', async () => {
    const asked = await Promise.all(Array.from({ length: 50 }, () => locks.acquire(3, 'd')));
    const got = asked.filter((lock) => lock.state === 'acquired');
    assert.equal(got.length, 1);
    assert.equal(asked.filter((lock) => lock.state === 'held').length, 49);
    await got[0]?.release();
  });

  it('say at once that nobody knows while Redis is away', async () => {
    const { policies, ...rest } = parts();
    const away = createRequestLocks({ nodes: NOWHERE, keyPrefix: '', policies, ...rest });
    await away.start();
    const startedMs = performance.now();
    const asked = await Promise.all(Array.from({ length: 100 }, (_, user) => away.acquire(user + 1, 'e')));
    assert.ok(asked.every((lock) => lock.state === 'unavailable'));
    assert.ok(performance.now() - startedMs < 5_000);
    await eventually(async () => {
      assert.equal((await away.acquire(1, 'e')).state, 'unavailable');
      assert.deepEqual(policies.states(), { redis: 'open' });
    });
    await away.stop();
  });
});
