import assert from 'node:assert/strict';
import { parseValue } from 'graphql';
import { DateTime, Day, Money, parseId } from './scalars.ts';

describe('money in the graph', () => {
  it('is read from strings and numbers with at most two decimals, as it was written', () => {
    for (const [written, minor] of [
      ['"25000.00"', 2_500_000],
      ['1.10', 110],
      ['7', 700],
      ['"0.5"', 50],
    ] as const) {
      assert.equal(Money.parseLiteral(parseValue(written)), minor, written);
    }
    for (const written of ['1.005', '1e2', '-1', '"1,5"', 'true', 'null', '[1]', '"100000000"']) {
      assert.throws(() => Money.parseLiteral(parseValue(written)), written);
    }
  });

  it('is written with two decimals, and never from half a cent', () => {
    assert.deepEqual(
      [0, 5, 1_990, 2_500_000].map((minor) => Money.serialize(minor)),
      ['0.00', '0.05', '19.90', '25000.00'],
    );
    assert.throws(() => Money.serialize(1.5));
  });
});

describe('times and ids in the graph', () => {
  it('write instants as RFC 3339 in UTC, and read days that a calendar has', () => {
    assert.equal(DateTime.serialize(new Date(0)), '1970-01-01T00:00:00.000Z');
    assert.throws(() => DateTime.serialize('today'));
    assert.equal(Day.parseValue('31-01-2026'), '2026-01-31');
    assert.throws(() => Day.parseValue('2026-02-30'));
  });

  it('take positive integers only, and name the argument', () => {
    assert.equal(parseId('42', 'id'), 42);
    for (const id of ['', '0', '-1', '1.0', '007', '9007199254740993', 'x']) {
      assert.throws(() => parseId(id, 'input.orderId'), {
        code: 'VALIDATION_FAILED',
        details: [{ field: 'input.orderId', message: 'must be a positive integer' }],
      });
    }
  });
});
