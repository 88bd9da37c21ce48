import assert from 'node:assert/strict';
import { settingValue } from './config-command.ts';
import { UserError } from './user-error.ts';

describe('the value of a setting on the command line', () => {
  for (const [text, value] of [
    ['{"per_second":50,"burst":100}', { per_second: 50, burst: 100 }],
    ['false', false],
    ['"debug"', 'debug'],
    ['debug', 'debug'],
  ] as const) {
    it(`is read from ${text}`, () => assert.deepEqual(settingValue(text), value));
  }

  for (const text of ['{per_second:50,burst:100}', '["1h"', '"debug']) {
    it(`is refused with how to quote it as ${text}`, () => {
      assert.throws(
        () => settingValue(text),
        (error) => error instanceof UserError && /quotes/.test(error.advice),
      );
    });
  }
});
