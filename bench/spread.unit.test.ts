import assert from 'node:assert/strict';
import { spreadOf } from './spread.ts';

describe('a spread', () => {
  it('is told by the middle value and both ends, whatever the order', () => {
    assert.deepEqual(spreadOf([10, 2, 9]), { median: 9, least: 2, most: 10 });
    assert.deepEqual(spreadOf([4, 1, 2, 3]), { median: 2.5, least: 1, most: 4 });
    assert.deepEqual(spreadOf([7]), { median: 7, least: 7, most: 7 });
  });
});
