/**
 * Mocha's spec reporter that also adds its totals to the file named by PUNCTUAL_TEST_TOTALS, so that a command of several
 * mocha runs can end with the true sum.
 */
import { appendFileSync } from 'node:fs';
import Mocha from 'mocha';

export default class SpecAndTotals extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options);
    runner.once('end', () => {
      const file = process.env.PUNCTUAL_TEST_TOTALS;
      const { passes, failures, pending } = this.stats;
      if (file !== undefined) appendFileSync(file, `${JSON.stringify({ passes, failures, pending })}\n`);
    });
  }
}
