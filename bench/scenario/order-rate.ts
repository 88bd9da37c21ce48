import { searchRate } from '../search.ts';
import { type Bench, describeStep, runStep, type StepResult } from '../step.ts';
import type { RequestSource } from '../workloads.ts';

/** Where latencies are read: below the knee, as a platform is run. */
const CALM_SHARE = 0.7;
const OVERLOAD_FACTOR = 1.5;

/** What surrounds each step, such as a transaction that is held open. */
export type Around = (step: () => Promise<StepResult>) => Promise<StepResult>;

export type OrderRate = {
  /** Undefined at a fixed rate, or when no rate was sustained. */
  readonly maxPerSecond: number | undefined;
  readonly steps: readonly StepResult[];
  /** At 70 % of the maximum, or at the fixed rate. */
  readonly calm: StepResult | undefined;
  readonly overload: StepResult | undefined;
};

/** The maximum that is sustained, a step below and a step beyond it; or one step at a fixed rate. */
export async function orderRate(
  bench: Bench,
  sourceOf: (run: string) => RequestSource,
  options: { fixedRate?: number; start: number; most?: number; overload?: boolean; around?: Around },
): Promise<OrderRate> {
  const step = async (ratePerSecond: number, about = '') => {
    const run = () => runStep(bench, sourceOf, { ratePerSecond });
    const taken = await (options.around === undefined ? run() : options.around(run));
    bench.say(`${describeStep(taken)}${about}`);
    return taken;
  };
  if (options.fixedRate !== undefined) {
    const calm = await step(options.fixedRate);
    return { maxPerSecond: undefined, steps: [calm], calm, overload: undefined };
  }
  const { best, tried } = await searchRate(options, async (rate) => {
    const result = await step(rate);
    return { isSustained: result.objections.length === 0, result };
  });
  const steps = tried.map(({ result }) => result);
  if (best === undefined) return { maxPerSecond: undefined, steps, calm: undefined, overload: undefined };
  const calm = await step(Math.round(best.rate * CALM_SHARE), '  (70 % of the maximum)');
  const overload = options.overload
    ? await step(Math.round(best.rate * OVERLOAD_FACTOR), '  (150 % of the maximum)')
    : undefined;
  return { maxPerSecond: best.rate, steps, calm, overload };
}
