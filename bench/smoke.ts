import { duplicateOrders } from './scenario/checks.ts';
import { scarceProduct } from './scenario/hot-sku.ts';
import { type Bench, runStep } from './step.ts';
import { duplicates, uniform } from './workloads.ts';

const RATE = 50;
const SECONDS = 5;

/** That the bench works, in a minute; asserts nothing about speed. */
export async function smoke(bench: Bench): Promise<{ passed: number; failed: number }> {
  const { shop, state, say } = bench;
  const checks: readonly [string, () => Promise<string | undefined>][] = [
    [
      'W1 places every order, each is reserved, and none fails',
      async () => {
        const step = await runStep(bench, (run) => uniform(shop, run), { ratePerSecond: RATE, seconds: SECONDS });
        const wanted = RATE * SECONDS;
        return step.load.byStatus['201'] === wanted && step.createdToReserved.orders === wanted
          ? undefined
          : `${JSON.stringify(step.load.byStatus)}, ${step.createdToReserved.orders} of ${wanted} reserved`;
      },
    ],
    [
      'W3 reserves every piece of a scarce product and oversells none',
      async () => {
        const { pieces, promised, oversold } = await scarceProduct(bench, RATE);
        return oversold === 0 && promised === pieces
          ? undefined
          : `${promised} promised of ${pieces}, ${oversold} oversold`;
      },
    ],
    [
      'W4 makes one order of a request that is sent twice',
      async () => {
        const step = await runStep(bench, (run) => duplicates(shop, run), { ratePerSecond: RATE, seconds: SECONDS });
        const twice = await duplicateOrders(state);
        const requests = Object.values(step.load.byKind.order?.byStatus ?? {}).reduce((sum, count) => sum + count, 0);
        const repeats = step.load.byKind.duplicate?.accepted.count ?? 0;
        return twice === 0 && step.orders === requests && repeats > 0 && step.errorShare === 0
          ? undefined
          : `${step.orders} orders of ${requests} requests, ${twice} twice, ${repeats} repeats, ${JSON.stringify(step.load.byStatus)}`;
      },
    ],
  ];
  let failures = 0;
  for (const [name, check] of checks) {
    const problem = await check();
    if (problem !== undefined) failures += 1;
    say(`${problem === undefined ? '✔' : '✘'} ${name}${problem === undefined ? '' : `: ${problem}`}`);
  }
  return { passed: checks.length - failures, failed: failures };
}
