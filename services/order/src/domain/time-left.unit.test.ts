import assert from 'node:assert/strict';
import { timeLeftText } from './time-left.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

describe('the time that is left', () => {
  for (const [leftMs, text] of [
    [20 * HOUR_MS, '20 hours'],
    [20 * HOUR_MS - 90_000, '20 hours'],
    [12 * HOUR_MS, '12 hours'],
    [1.5 * HOUR_MS, '2 hours'],
    [1.5 * HOUR_MS - 1, '89 minutes'],
    [HOUR_MS, '60 minutes'],
    [MINUTE_MS, '1 minute'],
    [MINUTE_MS - 1, 'less than a minute'],
    [-1, 'less than a minute'],
  ] as const) {
    it(`of ${leftMs} ms is "${text}"`, () => assert.equal(timeLeftText(leftMs), text));
  }
});
