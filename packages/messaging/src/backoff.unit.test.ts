import assert from 'node:assert/strict';
import fc from 'fast-check';
import { backoffMs, pause, within } from './backoff.ts';
import { createWakeup } from './outbox/wakeup.ts';

describe('waiting', () => {
  it('backs off between three quarters and five quarters of a doubling delay, never beyond the limit', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 10_000 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (failures, luck) => {
          const base = Math.min(5_000, 100 * 2 ** Math.min(failures - 1, 30));
          const ms = backoffMs(failures, { firstMs: 100, maxMs: 5_000 }, () => luck);
          assert.ok(ms >= Math.floor(base * 0.75) && ms <= Math.ceil(base * 1.25));
        },
      ),
    );
  });

  it('ends a pause at once when it is aborted, before or during', async () => {
    const stopping = new AbortController();
    const paused = pause(60_000, stopping.signal);
    stopping.abort();
    await paused;
    await pause(60_000, stopping.signal);
  });

  it('bounds what it waits for', async () => {
    await assert.rejects(within(5, 'nobody', new Promise(() => undefined)), /nobody: no answer within 5 ms/);
    assert.equal(await within(1_000, 'somebody', Promise.resolve('here')), 'here');
  });

  it('does not lose a wake-up that comes while nobody waits, and counts it once', async () => {
    const wakeup = createWakeup();
    const { signal } = new AbortController();
    wakeup.wake();
    wakeup.wake();
    await wakeup.wait(60_000, signal);
    const second = wakeup.wait(60_000, signal);
    wakeup.wake();
    await second;
  });
});
