import assert from 'node:assert/strict';
import { mergeVariables } from './stack.ts';

describe("the services' variables in a run", () => {
  it('are laid over each other, the later ones on top, and modules that are brought in add up', () => {
    const merged = mergeVariables(
      { order: { ORDER_MAX_OPEN: '0', NODE_OPTIONS: '--import a' } },
      { order: { ORDER_MAX_OPEN: '5', NODE_OPTIONS: '--import b' }, mail: { LOG_LEVEL: 'debug' } },
      {},
    );
    assert.deepEqual(merged, {
      order: { ORDER_MAX_OPEN: '5', NODE_OPTIONS: '--import a --import b' },
      mail: { LOG_LEVEL: 'debug' },
    });
  });
});
