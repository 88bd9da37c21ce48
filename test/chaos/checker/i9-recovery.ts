import type { History, Verdict } from '../types.ts';
import type { Evidence } from './evidence.ts';
import { createTally, type Tally } from './tally.ts';

const CLAIM =
  'After every fault the platform takes orders again and everything that was waiting is worked off, without a human.';

/** attempted: faults and kinds of lag; acknowledged: those that are over. */
export function checkRecovery(history: Pick<History, 'faults' | 'quiescedMs'>, evidence: Evidence): Verdict {
  const tally = createTally('I9', CLAIM);
  for (const { name, target, struckMs, recoveredMs } of history.faults) {
    const isOver = recoveredMs !== null;
    confirm(tally, isOver, `after ${name} of ${target} at ${struckMs} ms the platform did not recover within the run`);
  }
  confirm(tally, history.quiescedMs !== null, 'the platform did not come to rest after the load had ended');
  for (const { group, topic, records } of evidence.lags) {
    confirm(tally, records === 0, `consumer ${group} is ${records} records behind on ${topic}`);
  }
  for (const { name, messages } of evidence.queues) {
    confirm(tally, messages === 0, `queue ${name} still holds ${messages} messages`);
  }
  confirm(tally, evidence.outbox.length === 0, `the outboxes still hold ${evidence.outbox.length} messages`);
  confirm(tally, evidence.webhooksWaiting === 0, `${evidence.webhooksWaiting} webhooks were not delivered`);
  checkCopies(tally, evidence);
  return tally.verdict();
}

function confirm(tally: Tally, holds: boolean, finding: string): void {
  tally.attempted();
  if (holds) tally.acknowledged();
  else tally.lost(finding);
}

/** The order service's copy of the stock has caught up with the stock. */
function checkCopies(tally: Tally, { products, productCopies }: Evidence): void {
  const copies = new Map(productCopies.map((copy) => [copy.productId, copy]));
  for (const { id, available, deleted } of products) {
    const copy = copies.get(id);
    if (deleted || copy?.available === available) continue;
    tally.lost(
      `product ${id} has ${available} available, the order service believes in ${copy?.available ?? 'no such product'}`,
    );
  }
}
