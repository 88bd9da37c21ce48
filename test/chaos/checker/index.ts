import type { History, Verdict } from '../types.ts';
import type { Evidence } from './evidence.ts';
import { checkStock } from './i1-stock.ts';
import { checkOrders } from './i2-orders.ts';
import { checkMoney } from './i5-money.ts';

export type { Evidence } from './evidence.ts';
export { type EvidenceSettings, gatherEvidence } from './gather.ts';

/** What every invariant says of a run. Pure: the same history and evidence give the same verdicts. */
export function check(history: History, evidence: Evidence): Verdict[] {
  return [checkStock(history, evidence), checkOrders(history, evidence), checkMoney(history, evidence)];
}
