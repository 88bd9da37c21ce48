import assert from 'node:assert/strict';
import { parseOptions, UsageError } from './options.ts';

describe('the options of a fuzz run', () => {
  it('are a fixed number of requests to every operation, with the first seed, when nothing is said', () => {
    assert.deepEqual(parseOptions([]), {
      seed: 1,
      minutes: undefined,
      operation: undefined,
      keep: false,
      out: '.fuzz',
      stackName: 'fuzz',
    });
  });

  it('take fractions of minutes, and one operation', () => {
    const options = parseOptions(['--minutes', '0.5', '--operation', 'PUT /users/{id}', '--seed', '7']);
    assert.ok(options !== 'help');
    assert.deepEqual([options.minutes, options.operation, options.seed], [0.5, 'PUT /users/{id}', 7]);
  });

  for (const args of [
    ['--minutes', '0'],
    ['--minutes', 'x'],
    ['--seed', '1.5'],
    ['--operation', 'orders'],
    ['--operation', 'GET /nowhere'],
    ['--unknown'],
  ]) {
    it(`are refused in words as ${args.join(' ')}`, () => assert.throws(() => parseOptions(args), UsageError));
  }
});
