import assert from 'node:assert/strict';
import { parseCompareOptions } from './compare-options.ts';
import { parseOptions, UsageError } from './options.ts';

describe("the bench's options", () => {
  it('are all workloads when none is named, else those that are', () => {
    assert.deepEqual(parseOptions([]).workloads.toSorted(), [
      'W1',
      'W10',
      'W2',
      'W3',
      'W4',
      'W5',
      'W6',
      'W7',
      'W8',
      'W9',
    ]);
    assert.deepEqual(parseOptions(['--workload', '3,W1', '--seconds', '7']).workloads, ['W3', 'W1']);
  });

  const wrong: readonly [string, readonly string[], RegExp][] = [
    ['an unknown workload', ['--workload', '12'], /no workload 12/],
    ['a rate that is no number', ['--rate', 'fast'], /--rate takes a whole number above 0, not "fast"/],
    ['no time', ['--seconds', '0'], /--seconds/],
    ['more than everything', ['--size', '2'], /--size/],
    ['an unknown option', ['--speed', '1'], /--speed/],
  ];
  for (const [what, args, expected] of wrong) {
    it(`refuse ${what}`, () =>
      assert.throws(
        () => parseOptions(args),
        (error) => error instanceof UsageError && expected.test(error.message),
      ));
  }

  it('of a comparison need two revisions and a workload that can be repeated', () => {
    assert.throws(() => parseCompareOptions(['--a', 'main']), /two revisions/);
    assert.throws(() => parseCompareOptions(['--a', 'main', '--b', 'HEAD', '--workload', '6']), /no workload 6/);
    assert.equal(parseCompareOptions(['--a', 'main', '--b', 'HEAD', '--workload', '3']).workload, 'W3');
  });
});
