import assert from 'node:assert/strict';
import { type ReportInput, renderReport } from './report.ts';
import type { Operation, Verdict } from './types.ts';

const counts = { attempted: 9, acknowledged: 8, unknown: 1, lost: 0, duplicated: 0, unexpected: 0, recovered: 1 };
const verdict = (invariant: Verdict['invariant'], holds: boolean): Verdict => ({
  invariant,
  claim: `What ${invariant} says`,
  holds,
  counts: { ...counts, lost: holds ? 0 : 1 },
  findings: holds ? [] : ['order 17 is gone'],
});
const operations = Array.from({ length: 50 }, (_, index): Operation => {
  const startedMs = index * 200;
  const about = { userId: 1, email: 'a@example.com', requestId: `r-${index}`, orderId: index, answer: null };
  const end = { attempts: 1, outcome: 'ok', status: 201, code: null } as const;
  return { id: index, kind: 'order', ...about, startedMs, endedMs: startedMs + 40, ...end };
});
const input: ReportInput = {
  run: { seed: 7, minutes: 1, rate: 15, fault: null, sabotage: null, startedAtMs: 0, revision: 'abc' },
  history: {
    operations,
    faults: [{ name: 'kill', target: 'order', struckMs: 2_000, healedMs: 4_000, recoveredMs: null, notes: {} }],
    startedAtMs: 1_800_000_000_000,
    quiescedMs: 61_000,
  },
  samples: [
    { atMs: 0, values: { 'outbox order': 1 } },
    { atMs: 1_000, values: {} },
  ],
  verdicts: [verdict('I1', true), verdict('I2', true)],
  problems: [],
  replay: 'make chaos SEED=7',
};

describe('the page of a run', () => {
  it('says first whether everything held', () => {
    const page = renderReport(input);
    assert.match(page, /All 2 invariants hold/);
    assert.match(page, /50 operations of customers under 1 faults/);
    assert.match(page, /not within the run/);
    assert.match(page, /make chaos SEED=7/);
  });

  it('says what broke, and that the platform did not come to rest', () => {
    const page = renderReport({
      ...input,
      verdicts: [verdict('I1', true), verdict('I2', false)],
      history: { ...input.history, quiescedMs: null },
      problems: ['kill on order: it would not die'],
    });
    assert.match(page, /BROKEN: I2\./);
    assert.match(page, /order 17 is gone/);
    assert.match(page, /did NOT come to rest/);
    assert.match(page, /it would not die/);
  });
});
