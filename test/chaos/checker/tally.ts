import type { InvariantName, Verdict } from '../types.ts';

const MOST_FINDINGS = 20;

type Breach = 'lost' | 'duplicated' | 'unexpected';
type Counts = Verdict['counts'];

/** Collects what one invariant finds. It holds as long as nothing was lost, duplicated or unexpected. */
export type Tally = {
  attempted(count?: number): void;
  acknowledged(count?: number): void;
  unknown(count?: number): void;
  recovered(count?: number): void;
  lost(finding: string): void;
  /** `count` of them, told as one finding. */
  duplicated(finding: string, count?: number): void;
  unexpected(finding: string): void;
  verdict(): Verdict;
};

export function createTally(invariant: InvariantName, claim: string): Tally {
  const counts: { -readonly [K in keyof Counts]: number } = {
    attempted: 0,
    acknowledged: 0,
    unknown: 0,
    lost: 0,
    duplicated: 0,
    unexpected: 0,
    recovered: 0,
  };
  const findings: string[] = [];
  const breach = (kind: Breach, finding: string, count = 1): void => {
    counts[kind] += count;
    if (findings.length < MOST_FINDINGS) findings.push(`${kind}: ${finding}`);
  };
  const add =
    (name: keyof Counts) =>
    (count = 1): void => {
      counts[name] += count;
    };
  return {
    attempted: add('attempted'),
    acknowledged: add('acknowledged'),
    unknown: add('unknown'),
    recovered: add('recovered'),
    lost: (finding) => breach('lost', finding),
    duplicated: (finding, count) => breach('duplicated', finding, count),
    unexpected: (finding) => breach('unexpected', finding),
    verdict: () => ({
      invariant,
      claim,
      holds: counts.lost + counts.duplicated + counts.unexpected === 0,
      counts: { ...counts },
      findings: [...findings],
    }),
  };
}
