import assert from 'node:assert/strict';
import { number, renderText } from './tables.ts';

describe("the report's tables", () => {
  it('line up their columns and show a dash where nothing was measured', () => {
    const text = renderText({
      columns: ['workload', 'max'],
      rows: [
        ['W1', number(1234.5)],
        ['W10 long', number(undefined)],
      ],
    });
    assert.equal(text, 'workload  max\nW1        1,235\nW10 long  –');
  });
});
