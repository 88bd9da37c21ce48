import assert from 'node:assert/strict';
import fc from 'fast-check';
import { formatDuration, parseDuration, scaleTime } from './duration.ts';

describe('durations', () => {
  it('reads hours, minutes, seconds and milliseconds, alone and together', () => {
    assert.equal(parseDuration('4h'), 14_400_000);
    assert.equal(parseDuration('10m'), 600_000);
    assert.equal(parseDuration('1m30s'), 90_000);
    assert.equal(parseDuration('250ms'), 250);
    assert.equal(parseDuration('1d2h3m4s5ms'), 93_784_005);
  });

  it('refuses what is not a positive duration', () => {
    for (const text of ['', '0s', '5', '-1h', '1.5h', '1h 30m', '30s1m', 'h', '10M', '9'.repeat(30) + 'd']) {
      assert.equal(parseDuration(text), undefined, text);
    }
  });

  it('writes any whole number of milliseconds so that it reads it back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10 ** 12 }), (durationMs) => {
        assert.equal(parseDuration(formatDuration(durationMs)), durationMs);
      }),
    );
  });

  it('scales to whole milliseconds, never to nothing', () => {
    assert.equal(scaleTime(86_400_000, 8_640), 10_000);
    assert.equal(scaleTime(14_400_000, 1), 14_400_000);
    assert.equal(scaleTime(1, 8_640), 1);
    assert.equal(scaleTime(1_000, 3), 333);
  });
});
