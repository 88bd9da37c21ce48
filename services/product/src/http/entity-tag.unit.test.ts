import assert from 'node:assert/strict';
import { AppError } from '@punctual/http';
import { entityTag, expectedVersion } from './entity-tag.ts';

describe('If-Match', () => {
  for (const [header, expected] of [
    [entityTag(3), [3]],
    ['W/"3"', [3]],
    [' "3" , "12"', [3, 12]],
    ['*', 'any'],
  ] as const) {
    it(`takes ${header}`, () => {
      assert.deepEqual(expectedVersion(header), expected);
    });
  }

  for (const header of [
    '',
    '3',
    '"0"',
    '"03"',
    '"-1"',
    '"abc"',
    '"3',
    '"1e3"',
    '"3",',
    '"9999999999"',
    Array(21).fill('"1"').join(','),
  ]) {
    it(`refuses ${header || 'an empty header'} with 400`, () => {
      assert.throws(
        () => expectedVersion(header),
        (error) => error instanceof AppError && error.status === 400 && error.code === 'VALIDATION_FAILED',
      );
    });
  }

  it('asks for the header with 428 when it is missing', () => {
    assert.throws(
      () => expectedVersion(undefined),
      (error) => error instanceof AppError && error.status === 428 && error.code === 'PRECONDITION_REQUIRED',
    );
  });
});
