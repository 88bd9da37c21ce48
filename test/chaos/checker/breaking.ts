import assert from 'node:assert/strict';
import type { Verdict } from '../types.ts';
import type { Evidence } from './evidence.ts';
import { healthy, type Judged } from './healthy.ts';

type Broken = { evidence?: Partial<Evidence>; history?: Partial<Judged['history']> };
type Counts = Partial<Verdict['counts']>;

export type Judge = (history: Judged['history'], evidence: Evidence) => Verdict;

/**
 * The tests of one invariant: it holds for the healthy run, and each `caught` breaks one piece and states exactly what is found.
 * Counts of breaches that are not named must be 0.
 */
export function invariant(judge: Judge) {
  const judged = (change: (run: Judged) => Broken): Verdict => {
    const run = healthy();
    const broken = change(run);
    return judge({ ...run.history, ...broken.history }, { ...run.evidence, ...broken.evidence });
  };
  return {
    holds(title: string, change: (run: Judged) => Broken = () => ({}), counts: Counts = {}): void {
      it(`holds ${title}`, () => {
        const verdict = judged(change);
        assert.deepEqual(verdict.findings, []);
        assert.equal(verdict.holds, true);
        assert.deepEqual({ ...verdict.counts, ...counts }, verdict.counts);
      });
    },
    caught(title: string, change: (run: Judged) => Broken, counts: Counts, finding: RegExp): void {
      it(`catches ${title}`, () => {
        const verdict = judged(change);
        const expected = { lost: 0, duplicated: 0, unexpected: 0, ...counts };
        assert.deepEqual({ ...verdict.counts, ...expected }, verdict.counts, verdict.findings.join('\n'));
        assert.equal(verdict.holds, false);
        assert.match(verdict.findings.join('\n'), finding);
      });
    },
  };
}
