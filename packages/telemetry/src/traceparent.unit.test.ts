import assert from 'node:assert/strict';
import { currentContext, runWithContext } from './context.ts';
import { newTraceparent, parseTraceparent } from './traceparent.ts';

const PARENT = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00';

describe('trace context', () => {
  it('opens a new span in the trace of its parent and keeps the sampling decision', () => {
    const child = parseTraceparent(newTraceparent(PARENT));
    assert.equal(child?.traceId, '4bf92f3577b34da6a3ce929d0e0e4736');
    assert.notEqual(child?.spanId, '00f067aa0ba902b7');
    assert.equal(child?.flags, '00');
  });

  it('starts a new sampled trace when the parent is absent or malformed', () => {
    const malformed = [
      undefined,
      '',
      'nonsense',
      PARENT.toUpperCase(),
      `ff${PARENT.slice(2)}`,
      `00-${'0'.repeat(32)}-00f067aa0ba902b7-01`,
    ];
    for (const parent of malformed) {
      const fresh = parseTraceparent(newTraceparent(parent));
      assert.equal(fresh?.flags, '01');
      assert.notEqual(fresh?.traceId, '4bf92f3577b34da6a3ce929d0e0e4736');
    }
  });

  it('follows asynchronous work, and concurrent work does not mix', async () => {
    const seen = await Promise.all(
      ['a', 'b', 'c'].map((requestId) =>
        runWithContext({ requestId }, async () => {
          await new Promise(setImmediate);
          return currentContext()?.requestId;
        }),
      ),
    );
    assert.deepEqual(seen, ['a', 'b', 'c']);
    assert.equal(currentContext(), undefined);
  });
});
