/** What is written beside a run's history, and how it is judged again from there. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { check, type Evidence } from './checker/index.ts';
import { type RunRecord, readHistory, type Sample } from './history.ts';
import { renderReport } from './report.ts';
import type { Strike } from './schedule.ts';
import type { History, Verdict } from './types.ts';

export type Judged = {
  readonly folder: string;
  readonly run: RunRecord;
  readonly history: History;
  readonly samples: readonly Sample[];
  readonly evidence: Evidence;
  readonly verdicts: readonly Verdict[];
  readonly problems: readonly string[];
  readonly leftOut: readonly Strike[];
  readonly replay: string;
};

type VerdictFile = {
  readonly run: RunRecord;
  readonly holds: boolean;
  readonly verdicts: readonly Verdict[];
  readonly faults: History['faults'];
  readonly quiescedMs: number | null;
  readonly problems: readonly string[];
  readonly leftOut: readonly Strike[];
  readonly replay: string;
};

export function writeResult(judged: Judged): void {
  const { folder, run, history, verdicts, problems, leftOut, replay, evidence } = judged;
  const file: VerdictFile = {
    run,
    holds: verdicts.every(({ holds }) => holds) && problems.length === 0,
    verdicts,
    faults: history.faults,
    quiescedMs: history.quiescedMs,
    problems,
    leftOut,
    replay,
  };
  writeFileSync(join(folder, 'evidence.json.gz'), gzipSync(JSON.stringify(evidence)));
  writeFileSync(join(folder, 'verdict.json'), `${JSON.stringify(file, null, 2)}\n`);
  writeFileSync(join(folder, 'report.html'), renderReport(judged));
}

/** The same history and evidence through today's checker; verdict and report are written anew. */
export function judgeAgain(folder: string): Judged {
  const { run, history, samples } = readHistory(join(folder, 'history.jsonl'));
  const evidence: Evidence = JSON.parse(gunzipSync(readFileSync(join(folder, 'evidence.json.gz'))).toString());
  const before: VerdictFile = JSON.parse(readFileSync(join(folder, 'verdict.json'), 'utf8'));
  const { problems, leftOut, replay } = before;
  const judged = {
    folder,
    run,
    history,
    samples,
    evidence,
    verdicts: check(history, evidence),
    problems,
    leftOut,
    replay,
  };
  writeResult(judged);
  return judged;
}
