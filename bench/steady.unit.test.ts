import assert from 'node:assert/strict';
import { objections, type StepFacts } from './steady.ts';

const lag = (outboxRows: (second: number) => number, reservationLagMs: (second: number) => number) =>
  Array.from({ length: 21 }, (_, second) => ({
    atMs: second * 1_000,
    outboxRows: outboxRows(second),
    reservationLagMs: reservationLagMs(second),
  }));
const steady: StepFacts = {
  ratePerSecond: 100,
  p99Ms: 80,
  errorShare: 0,
  acceptedPerSecond: 100,
  reservedAfterMs: 200,
  lag: lag(
    (second) => (second % 2) * 60,
    () => 100,
  ),
};

describe('a sustained rate', () => {
  it('has nothing against it when all is flat', () => assert.deepEqual(objections(steady), []));

  const cases: readonly [string, Partial<StepFacts>, RegExp][] = [
    ['answers come late', { p99Ms: 250 }, /p99 250 ms/],
    ['answers are errors', { errorShare: 0.002 }, /0.2 % errors/],
    ['requests pile up in front of it', { acceptedPerSecond: 90 }, /only 90\/s/],
    ['orders are never reserved', { reservedAfterMs: undefined }, /unreserved/],
    ['orders are reserved long after', { reservedAfterMs: 4_000 }, /4.0 s after/],
    [
      'the outbox grows',
      {
        lag: lag(
          (second) => second * 50,
          () => 0,
        ),
      },
      /outbox grows/,
    ],
    [
      'the consumers fall behind',
      {
        lag: lag(
          () => 0,
          (second) => second * 200,
        ),
      },
      /wait 3.4 s/,
    ],
  ];
  for (const [when, change, expected] of cases) {
    it(`is refused when ${when}`, () => {
      const found = objections({ ...steady, ...change });
      assert.equal(found.length, 1, String(found));
      assert.match(found[0] ?? '', expected);
    });
  }
});
