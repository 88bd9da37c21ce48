import assert from 'node:assert/strict';
import fc from 'fast-check';
import { createSchedule, type Strike } from './schedule.ts';

const plan = (name: string, targets = ['order', 'product'], lastsMs: readonly [number, number] = [1_000, 10_000]) => ({
  name,
  targets,
  lastsMs,
});
const SEVERAL = ['kill-9', 'pause', 'rabbit-wipe', 'redis-flush', 'replica-late'].map((name) => plan(name));

const runs = fc.record({
  seed: fc.integer({ min: 0, max: 1_000_000 }),
  minutes: fc.integer({ min: 1, max: 30 }),
  count: fc.integer({ min: 1, max: SEVERAL.length }),
});
const endOf = ({ atMs, lastsMs }: Strike) => atMs + lastsMs;

describe('the schedule of faults', () => {
  it('is the same for the same seed, and another for another', () => {
    const schedule = (seed: number) => createSchedule(SEVERAL, { seed, minutes: 10 });
    assert.deepEqual(schedule(7), schedule(7));
    assert.notDeepEqual(schedule(7), schedule(8));
  });

  it('strikes at least once, stays within the run, and leaves a quiet tail', () => {
    fc.assert(
      fc.property(runs, ({ seed, minutes, count }) => {
        const strikes = createSchedule(SEVERAL.slice(0, count), { seed, minutes, quietTailMs: 15_000 });
        assert.ok(strikes.length > 0);
        for (const strike of strikes) {
          assert.ok(strike.atMs >= 5_000);
          assert.ok(endOf(strike) <= minutes * 60_000 - 15_000);
        }
      }),
    );
  });

  it('has every fault once before any comes twice', () => {
    fc.assert(
      fc.property(runs, ({ seed, minutes, count }) => {
        const times = new Map<string, number>();
        for (const { fault } of createSchedule(SEVERAL.slice(0, count), { seed, minutes })) {
          times.set(fault, (times.get(fault) ?? 0) + 1);
        }
        // The last round may end with the run.
        assert.ok(Math.max(...times.values()) - Math.min(...times.values()) <= 1);
      }),
    );
  });

  it('never has more than two faults at a time', () => {
    fc.assert(
      fc.property(runs, fc.double({ min: 0, max: 1, noNaN: true }), ({ seed, minutes, count }, overlap) => {
        const strikes = createSchedule(SEVERAL.slice(0, count), { seed, minutes, overlap });
        for (const strike of strikes) {
          const others = strikes.filter((other) => other.atMs <= strike.atMs && endOf(other) > strike.atMs);
          assert.ok(others.length <= 2, JSON.stringify(others));
        }
      }),
    );
  });

  it('waits for each healing before the next strike when nothing may overlap', () => {
    const strikes = createSchedule(SEVERAL, { seed: 3, minutes: 10, overlap: 0, gapMs: [5_000, 5_000] });
    for (const [index, strike] of strikes.entries()) {
      const next = strikes[index + 1];
      if (next !== undefined) assert.equal(next.atMs, endOf(strike) + 5_000);
    }
  });

  it('goes through the targets of a fault evenly', () => {
    const strikes = createSchedule([plan('kill-9', ['auth', 'order', 'mail'])], { seed: 11, minutes: 5 });
    const first = strikes.slice(0, 3).map(({ target }) => target);
    assert.deepEqual(first.toSorted(), ['auth', 'mail', 'order']);
  });

  it('draws how long a fault lasts between its bounds, and leaves out what the run has no room for', () => {
    const long = plan('outage', ['order'], [40_000, 50_000]);
    fc.assert(
      fc.property(runs, ({ seed, minutes }) => {
        for (const { fault, lastsMs } of createSchedule([...SEVERAL, long], { seed, minutes })) {
          const [least, most] = fault === 'outage' ? long.lastsMs : [1_000, 10_000];
          assert.ok(lastsMs >= least && lastsMs <= most);
        }
      }),
    );
    assert.deepEqual(createSchedule([plan('outage', ['order'], [90_000, 90_000])], { seed: 1, minutes: 1 }), []);
  });

  it('is empty without faults', () => {
    assert.deepEqual(createSchedule([], { seed: 1, minutes: 3 }), []);
  });
});
