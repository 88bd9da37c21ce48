import assert from 'node:assert/strict';
import { pause, within } from './waiting.ts';

describe('waiting', () => {
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
});
