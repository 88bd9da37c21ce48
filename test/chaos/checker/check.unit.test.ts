import assert from 'node:assert/strict';
import { healthy } from './healthy.ts';
import { check } from './index.ts';
import { createTally } from './tally.ts';

describe('the checker', () => {
  it('judges each invariant once, and all hold for a healthy run', () => {
    const { history, evidence } = healthy();
    const verdicts = check(history, evidence);
    assert.deepEqual(
      verdicts.map(({ invariant }) => invariant),
      ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'I8', 'I9', 'I10'],
    );
    for (const { invariant, holds, findings } of verdicts) assert.ok(holds, `${invariant}: ${findings.join('; ')}`);
  });

  it('does not change what it judges, and judges the same twice', () => {
    const run = healthy();
    const copy = structuredClone(run);
    assert.deepEqual(check(run.history, run.evidence), check(run.history, run.evidence));
    assert.deepEqual(run, copy);
  });

  it('keeps the first twenty findings and counts them all', () => {
    const tally = createTally('I1', 'claim');
    for (let id = 1; id <= 25; id += 1) tally.lost(`row ${id}`);
    const { counts, findings, holds } = tally.verdict();
    assert.deepEqual([counts.lost, findings.length, findings[19], holds], [25, 20, 'lost: row 20', false]);
  });
});
