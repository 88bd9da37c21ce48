/**
 * Mocha's spec reporter that also adds its totals, and what failed, to the file named by PUNCTUAL_TEST_TOTALS, so that a command
 * of several mocha runs can end with the true sum and with all failures in one place.
 */
import { appendFileSync } from 'node:fs';
import { relative } from 'node:path';
import Mocha from 'mocha';

export type Totals = { passes: number; failures: number; pending: number; failed: string[] };

export default class SpecAndTotals extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    const failed: string[] = [];
    // What a worker reports of a test of its own is no Error any more, but has its message.
    runner.on('fail', (test, error: Partial<Error>) => {
      const file = test.file === undefined ? '' : `${relative(process.cwd(), test.file)}: `;
      failed.push(`${file}${test.titlePath().join(' › ')}\n${error.message ?? String(error)}`);
    });
    runner.once('end', () => {
      const file = process.env.PUNCTUAL_TEST_TOTALS;
      const { passes, failures, pending } = this.stats;
      const totals: Totals = { passes, failures, pending, failed };
      if (file !== undefined) appendFileSync(file, `${JSON.stringify(totals)}\n`);
    });
  }
}
