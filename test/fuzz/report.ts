/** What schemathesis reports of a run, as JSON, as far as it is read here. */
type Report = {
  readonly complete: boolean;
  readonly operations: { readonly selected: number; readonly tested: number };
  readonly test_cases: { readonly generated: number };
  readonly failures: readonly {
    readonly title: string;
    readonly count: number;
    readonly operations: readonly string[];
  }[];
  readonly errors: readonly unknown[];
};

export type FuzzResult = {
  /** Operations that were asked, and all went well. */
  readonly passed: number;
  /** Operations with a failure, and whatever was not asked at all. */
  readonly failed: number;
  readonly requests: number;
  readonly findings: readonly string[];
};

/** Throws when it is no report. */
export function readReport(text: string): FuzzResult {
  const { operations, failures, errors, test_cases: cases }: Report = JSON.parse(text);
  const failing = new Set(failures.flatMap((failure) => failure.operations));
  const unasked = operations.selected - operations.tested;
  const failed = failing.size + errors.length + unasked;
  return {
    passed: Math.max(0, operations.selected - failed),
    failed: operations.selected === 0 ? 1 : failed,
    requests: cases.generated,
    findings: [
      ...failures.map(({ title, count, operations: where }) => `${title} (${count}): ${where.join(', ')}`),
      ...(errors.length > 0 ? [`${errors.length} operations could not be asked`] : []),
      ...(unasked > 0 ? [`${unasked} operations were not asked`] : []),
      ...(operations.selected === 0 ? ['no operation was chosen'] : []),
    ],
  };
}
