import assert from 'node:assert/strict';
import { readReport } from './report.ts';

const finding = (title: string, ...operations: string[]) => ({ title, count: operations.length, operations });

function report(changes: object): string {
  return JSON.stringify({
    complete: true,
    operations: { selected: 10, tested: 10 },
    test_cases: { generated: 500 },
    failures: [],
    errors: [],
    ...changes,
  });
}

describe('what became of a fuzz run', () => {
  it('is well when every operation was asked and none failed', () => {
    assert.deepEqual(readReport(report({})), { passed: 10, failed: 0, requests: 500, findings: [] });
  });

  it('counts an operation with several findings once, and names each finding', () => {
    const failures = [finding('Server error', 'GET /a', 'GET /b'), finding('Undocumented status code', 'GET /a')];
    const { passed, failed, findings } = readReport(report({ failures }));
    assert.deepEqual([passed, failed], [8, 2]);
    assert.deepEqual(findings, ['Server error (2): GET /a, GET /b', 'Undocumented status code (1): GET /a']);
  });

  it('fails for what was not asked, for what could not be asked, and when there is nothing to ask', () => {
    assert.equal(readReport(report({ operations: { selected: 10, tested: 7 } })).failed, 3);
    assert.equal(readReport(report({ errors: [{ title: 'unreachable' }] })).failed, 1);
    assert.equal(readReport(report({ operations: { selected: 0, tested: 0 } })).failed, 1);
  });
});
