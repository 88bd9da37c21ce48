import { ENDLESS_PIECES } from '../shop.ts';
import { type Bench, describeStep, runStep } from '../step.ts';
import { hotSku } from '../workloads.ts';
import { oversold, stockOf } from './checks.ts';
import { orderRate } from './order-rate.ts';
import type { Finding, RateOptions } from './workload.ts';

const SCARCE_SECONDS = 5;

export async function hotSkuScenario(bench: Bench, options: RateOptions): Promise<Finding> {
  const hot = await bench.shop.newProduct(ENDLESS_PIECES);
  const orders = await orderRate(bench, (run) => hotSku(bench.shop, run, hot), options);
  const endless = oversold(await stockOf(bench.state, hot), ENDLESS_PIECES);
  const scarce = await scarceProduct(bench, orders.maxPerSecond ?? options.fixedRate ?? options.start);
  const total = endless + scarce.oversold;
  return {
    orders,
    facts: [
      { name: 'oversold pieces', value: total },
      { name: 'scarce product: pieces', value: scarce.pieces },
      { name: 'scarce product: requests', value: scarce.requests },
      { name: 'scarce product: orders reserved', value: scarce.promised },
    ],
    problems: total === 0 ? [] : [`${total} pieces oversold`],
  };
}

/** Twice as many orders as pieces, all at once. */
export async function scarceProduct(
  bench: Bench,
  ratePerSecond: number,
): Promise<{ pieces: number; requests: number; promised: number; oversold: number }> {
  const requests = ratePerSecond * SCARCE_SECONDS;
  const pieces = Math.ceil(requests / 2);
  const productId = await bench.shop.newProduct(pieces);
  const step = await runStep(bench, (run) => hotSku(bench.shop, run, productId), {
    ratePerSecond,
    seconds: SCARCE_SECONDS,
  });
  bench.say(`${describeStep(step)}  (${pieces} pieces for ${requests} orders, so half are refused)`);
  const stock = await stockOf(bench.state, productId);
  return { pieces, requests, promised: stock.promised, oversold: oversold(stock, pieces) };
}
