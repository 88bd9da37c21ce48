import type { History, Verdict } from '../types.ts';
import type { Evidence } from './evidence.ts';
import { checkStock } from './i1-stock.ts';
import { checkOrders } from './i2-orders.ts';
import { checkTransitions } from './i3-transitions.ts';
import { checkReservations } from './i4-reservations.ts';
import { checkMoney } from './i5-money.ts';
import { checkMessages } from './i6-messages.ts';
import { checkMails } from './i7-mails.ts';
import { checkTimers } from './i8-timers.ts';
import { checkRecovery } from './i9-recovery.ts';
import { checkReads } from './i10-reads.ts';

export type { Evidence } from './evidence.ts';
export { type EvidenceSettings, gatherEvidence } from './gather.ts';

/** What every invariant says of a run. Pure: the same history and evidence give the same verdicts. */
export function check(history: History, evidence: Evidence): Verdict[] {
  return [
    checkStock(history, evidence),
    checkOrders(history, evidence),
    checkTransitions(history, evidence),
    checkReservations(history, evidence),
    checkMoney(history, evidence),
    checkMessages(history, evidence),
    checkMails(history, evidence),
    checkTimers(history, evidence),
    checkRecovery(history, evidence),
    checkReads(history),
  ];
}
