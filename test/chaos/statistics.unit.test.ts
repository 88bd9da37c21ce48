import assert from 'node:assert/strict';
import fc from 'fast-check';
import { readReply } from './load/attempts.ts';
import { backlog } from './observe.ts';
import { lagOf, queueReadings } from './probes.ts';
import { leftOver } from './quiesce.ts';
import { byKind, bySecond, percentile } from './statistics.ts';
import { renderText } from './tables.ts';
import type { Operation, OperationKind, Outcome } from './types.ts';

function operation(kind: OperationKind, outcome: Outcome, startedMs: number, endedMs: number): Operation {
  const nobody = { userId: null, email: '', requestId: null, orderId: null, status: null, code: null, answer: null };
  return { id: 1, kind, outcome, startedMs, endedMs, attempts: 2, ...nobody };
}

describe('statistics of a run', () => {
  it('take percentiles by the nearest rank', () => {
    assert.equal(percentile([], 0.5), null);
    assert.equal(percentile([5], 0.99), 5);
    assert.equal(percentile([4, 1, 3, 2], 0.5), 2);
    assert.equal(percentile([4, 1, 3, 2], 1), 4);
    assert.equal(percentile([4, 1, 3, 2], 0), 1);
  });

  it('find each percentile among the values, and a higher one never below a lower', () => {
    const values = fc.array(fc.integer(), { minLength: 1 });
    const share = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(values, share, share, (all, a, b) => {
        const [low, high] = [percentile(all, Math.min(a, b)), percentile(all, Math.max(a, b))];
        assert.ok(low !== null && high !== null && all.includes(low) && low <= high);
      }),
    );
  });

  it('count operations in the second in which they ended, and show seconds in which nothing did', () => {
    const seconds = bySecond(
      [
        operation('order', 'ok', 100, 400),
        operation('order', 'failed', 900, 1_000),
        operation('pay', 'unknown', 0, 2_999),
        operation('pay', 'ok', 0, 9_000),
      ],
      3_000,
    );
    assert.deepEqual(
      seconds.map(({ ok, failed, unknown }) => [ok, failed, unknown]),
      [
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
      ],
    );
    assert.equal(seconds[0]?.p50Ms, 300);
    assert.equal(seconds[2]?.p99Ms, 2_999);
    assert.deepEqual(
      bySecond([], 2_000).map(({ p50Ms }) => p50Ms),
      [null, null],
    );
  });

  it('lose no operation', () => {
    const ends = fc.array(fc.integer({ min: 0, max: 9_999 }));
    fc.assert(
      fc.property(ends, (all) => {
        const seconds = bySecond(
          all.map((endedMs) => operation('read', 'ok', 0, endedMs)),
          10_000,
        );
        assert.equal(
          seconds.reduce((sum, { ok }) => sum + ok, 0),
          all.length,
        );
      }),
    );
  });

  it('add up by kind', () => {
    const kinds = byKind([
      operation('pay', 'ok', 0, 1),
      operation('order', 'failed', 0, 1),
      operation('pay', 'unknown', 0, 1),
    ]);
    assert.deepEqual(kinds, {
      order: { ok: 0, failed: 1, unknown: 0, attempts: 2 },
      pay: { ok: 1, failed: 0, unknown: 1, attempts: 4 },
    });
    assert.deepEqual(Object.keys(kinds), ['order', 'pay']);
  });
});

describe('what the platform tells of itself', () => {
  it('lags by what is not committed; a partition that was never committed counts from its beginning', () => {
    const ends = [
      { partition: 0, offset: '10' },
      { partition: 1, offset: '4' },
      { partition: 2, offset: '0' },
    ];
    const committed = [
      { partition: 0, offset: '7' },
      { partition: 1, offset: '-1' },
    ];
    assert.equal(lagOf(ends, committed), 3 + 4);
    assert.equal(lagOf(ends, [{ partition: 0, offset: '99' }]), 4);
  });

  it('is unknown, not zero, where a part cannot be asked', () => {
    assert.deepEqual(queueReadings([{ name: 'mail.jobs', messages: 2 }]), { 'queue mail': 2, 'queue timers': null });
    assert.equal(backlog({ a: 1, b: 2 }, ['a', 'b']), 3);
    assert.equal(backlog({ a: 1, b: null }, ['a', 'b']), null);
    assert.equal(backlog({ a: 1 }, ['a', 'b']), null);
  });

  it('is not at rest while anything waits or cannot be asked', () => {
    const left = leftOver({ 'timers waiting': 3, 'outbox order': 0 });
    assert.equal(left['timers waiting'], 3);
    assert.ok(!('outbox order' in left));
    assert.equal(left['kafka product'], null);
  });

  it('reads answers that are no JSON by their status alone', () => {
    assert.equal(readReply(503, '<html>').code, null);
    assert.equal(readReply(502, '{"broken').status, 502);
    assert.equal(readReply(409, '{"error":{"code":"OUT_OF_STOCK"}}').code, 'OUT_OF_STOCK');
    assert.equal(readReply(200, '{"data":[],"paging":{"total_items":3}}').totalItems, 3);
  });
});

describe('tables on the terminal', () => {
  it('have columns as wide as their widest cell, with figures at the right', () => {
    const text = renderText({
      columns: ['name', 'n'],
      rows: [
        ['a', 5],
        ['longer', 1_000],
      ],
    });
    assert.equal(text, 'name    n\na          5\nlonger  1000');
  });
});
