import assert from 'node:assert/strict';
import { eventually } from './eventually.ts';

describe('eventually', () => {
  it('returns the first value that does not come with an error', async () => {
    let calls = 0;
    const value = await eventually(
      () => {
        calls += 1;
        assert.ok(calls >= 3);
        return calls;
      },
      { intervalMs: 1 },
    );
    assert.equal(value, 3);
  });

  it('gives up at its deadline, with the last error and how long it waited', async () => {
    const last = new Error('not yet');
    await assert.rejects(
      eventually(() => Promise.reject(last), { timeoutMs: 30, intervalMs: 5 }),
      (error) => {
        assert.ok(error instanceof Error);
        assert.match(error.message, /^still failing after \d+ ms and \d+ attempts: not yet$/);
        assert.equal(error.cause, last);
        return true;
      },
    );
  });
});
