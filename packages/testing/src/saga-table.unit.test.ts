import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseSagaTable, SAGA_EVENTS, SAGA_STATES, SagaTableError, sagaLine, sagaTable } from './saga-table.ts';

const text = readFileSync(join(import.meta.dirname, '../../../docs/saga.md'), 'utf8');
const ROW =
  text.split('\n').find((line) => line.startsWith('| PAID, shipped') && line.includes('customer cancels')) ?? '';

function refused(markdown: string): readonly string[] {
  try {
    parseSagaTable(markdown);
  } catch (error) {
    assert.ok(error instanceof SagaTableError);
    return error.problems;
  }
  assert.fail('the table was taken');
}

describe("the saga's table", () => {
  it('has a row for every event in every state', () => {
    assert.equal(sagaTable().length, SAGA_STATES.length * SAGA_EVENTS.length);
  });

  it('is written as it is read', () => {
    const [row] = parseSagaTable(text).filter(
      ({ state, event }) => `${state} ${event}` === 'PAID, shipped admin: delivered',
    );
    assert.ok(row);
    assert.equal(
      sagaLine(row),
      'PAID, shipped | admin: delivered | 200 | COMPLETED | order.status_changed, order.completed | mail.order-delivered | ' +
        'order.status_changed, order.completed | none | kept',
    );
  });

  it('is refused without a row, and with one too many', () => {
    assert.deepEqual(refused(text.replace(`${ROW}\n`, '')), ['PAID, shipped × customer cancels has 0 rows']);
    assert.deepEqual(refused(text.replace(ROW, `${ROW}\n${ROW}`)), ['PAID, shipped × customer cancels has 2 rows']);
  });

  for (const [what, change, problem] of [
    ['a state that has no word', ['PAID, shipped', 'PAID, sent'], "'PAID, sent' is no word of the column state"],
    [
      'an event that has no word',
      ['customer cancels', 'customer complains'],
      "'customer complains' is no word of the column event",
    ],
    ['an answer that has no word', ['409 ILLEGAL_TRANSITION', '418'], "'418' is no word of the column answer"],
    ['a fate of the money that has no word', ['kept', 'lost'], "'lost' is no word of the column money"],
    ['a cell too few', ['| kept', ''], '8 cells where 9 belong'],
  ] as const) {
    it(`is refused with ${what}`, () => {
      const problems = refused(text.replace(ROW, ROW.replace(change[0], change[1])));
      assert.ok(problems[0]?.endsWith(problem), problems.join('\n'));
    });
  }

  it('is refused when a column is missing', () => {
    const problems = refused(text.replace(/^\| state .*$/m, '| state | event | answer | next |'));
    assert.match(problems[0] ?? '', /the columns are not state, event, answer, next, events/);
  });
});
