import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { FaultRecord } from '../types.ts';
import { invariant } from './breaking.ts';
import { changed, rowOf, STARTED_MS, without } from './healthy.ts';
import { checkTimers, uncoveredMs } from './i8-timers.ts';

const EXPIRY_DUE_MS = STARTED_MS + 1_000 + 60_000;

/** Of 30 s, from a second before the expiry of order 1 was due. */
const OUTAGE: FaultRecord = {
  name: 'stop',
  target: 'order',
  struckMs: 60_000,
  healedMs: 85_000,
  recoveredMs: 5_000,
  notes: {},
};

describe('I8, timers', () => {
  const { holds, caught } = invariant(checkTimers);

  holds('when each fired on time, once', undefined, { attempted: 10, acknowledged: 2 });
  holds('when a timer was late by no more than an outage', ({ evidence }) => ({
    history: { faults: [OUTAGE] },
    evidence: {
      timeline: changed(evidence.timeline, { orderId: 1, type: 'timer.fired' }, { atMs: EXPIRY_DUE_MS + 55_000 }),
    },
  }));

  caught(
    'a timer that is early by a millisecond',
    ({ evidence }) => ({
      evidence: {
        timeline: changed(evidence.timeline, { orderId: 1, type: 'timer.fired' }, { atMs: EXPIRY_DUE_MS - 1 }),
      },
    }),
    { unexpected: 1 },
    /expiry of order 1, .* fired 1 ms early/,
  );
  caught(
    'a timer that is late without an outage',
    ({ evidence }) => ({
      evidence: {
        timeline: changed(evidence.timeline, { orderId: 1, type: 'timer.fired' }, { atMs: EXPIRY_DUE_MS + 35_000 }),
      },
    }),
    { unexpected: 1 },
    /fired 35000 ms late, 35000 ms of it outside of any outage/,
  );
  caught(
    'a timer that fired twice',
    ({ evidence }) => ({
      evidence: {
        timeline: [...evidence.timeline, { ...rowOf(evidence.timeline, { orderId: 1, type: 'timer.fired' }), id: 9 }],
      },
    }),
    { duplicated: 1 },
    /expiry of order 1, .* fired 2 times: 103,9/,
  );
  caught(
    'a timer that nobody woke',
    ({ evidence }) => ({ evidence: { takenAtMs: evidence.takenAtMs + 80_000 } }),
    { lost: 1 },
    /expiry of order 5, .* still waits after 40000 ms/,
  );
  caught(
    'a timer that fired without a trace',
    ({ evidence }) => ({ evidence: { timeline: without(evidence.timeline, { orderId: 1, type: 'timer.fired' }) } }),
    { lost: 1 },
    /expiry of order 1, .* fired without a trace/,
  );
  caught(
    'a timer that fired although it was cancelled',
    ({ evidence }) => ({
      evidence: { timers: changed(evidence.timers, { orderId: 5, kind: 'reminder-1' }, { state: 'cancelled' }) },
    }),
    { unexpected: 1 },
    /reminder-1 of order 5, .* is cancelled and fired/,
  );
  caught(
    'a timer that waits for an order that has ended',
    ({ evidence }) => ({
      evidence: { timers: changed(evidence.timers, { orderId: 2, kind: 'expiry' }, { state: 'waiting' }) },
    }),
    { unexpected: 1 },
    /expiry of order 2, .* still waits, its order is CANCELLED/,
  );

  it('counts each instant of an outage once, however outages overlap', () => {
    const span = fc.tuple(fc.nat(50), fc.nat(50)).map(([from, length]): [number, number] => [from, from + length]);
    fc.assert(
      fc.property(span, fc.array(span, { maxLength: 6 }), ([from, to], outages) => {
        let expected = 0;
        for (let at = from; at < to; at += 1) {
          if (!outages.some(([start, end]) => start <= at && at < end)) expected += 1;
        }
        const sorted = outages.toSorted(([a], [b]) => a - b);
        assert.equal(uncoveredMs([from, to], sorted), expected);
      }),
    );
  });
});
