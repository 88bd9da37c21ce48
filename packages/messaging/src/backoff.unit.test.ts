import assert from 'node:assert/strict';
import fc from 'fast-check';
import { backoffMs } from './backoff.ts';
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
