import type { History, Operation, Verdict } from '../types.ts';
import type { ChargeRow, Evidence, OrderRow, PaymentRow, RefundRow } from './evidence.ts';
import { createTally, type Tally } from './tally.ts';

const CLAIM =
  "An order's money is captured at most once and given back at most once, never given back uncaptured, agrees with the order's " +
  'state, and the payments agree with the books of the provider.';

type Money = { readonly captures: readonly ChargeRow[]; readonly refunds: readonly RefundRow[] };

/** attempted, acknowledged, unknown, recovered: pay and refund operations. */
export function checkMoney(history: Pick<History, 'operations'>, evidence: Evidence): Verdict {
  const tally = createTally('I5', CLAIM);
  const charges = new Map(evidence.charges.map((charge) => [charge.idempotencyKey, charge]));
  const refunds = Map.groupBy(evidence.refunds, ({ chargeId }) => chargeId);
  const payments = Map.groupBy(evidence.payments, ({ orderId }) => orderId);
  const orders = new Map(evidence.orders.map((order) => [order.id, order]));
  const money = new Map<number, Money>();

  for (const [orderId, own] of payments) {
    const captures = own.flatMap((payment) => {
      const charge = charges.get(payment.idempotencyKey);
      checkAgainstBooks(tally, payment, charge, charge === undefined ? [] : (refunds.get(charge.id) ?? []));
      return charge?.outcome === 'captured' ? [charge] : [];
    });
    money.set(orderId, { captures, refunds: captures.flatMap(({ id }) => refunds.get(id) ?? []) });
    if (!orders.has(orderId)) tally.unexpected(`payments ${idsOf(own)} are for order ${orderId}, which does not exist`);
  }
  for (const order of evidence.orders) checkOrder(tally, order, money.get(order.id) ?? { captures: [], refunds: [] });
  checkStrays(tally, evidence);
  for (const operation of history.operations) checkOperation(tally, operation, money);
  return tally.verdict();
}

function checkAgainstBooks(
  tally: Tally,
  { id, orderId, status, amountMinor, refundWanted }: PaymentRow,
  charge: ChargeRow | undefined,
  refunds: readonly RefundRow[],
): void {
  const payment = `payment ${id} of order ${orderId}`;
  const holdsMoney = status === 'succeeded' || status === 'refunded';
  const captured = charge?.outcome === 'captured';
  if (holdsMoney && !captured) tally.lost(`${payment} is ${status}, the provider has captured nothing`);
  if (!holdsMoney && captured) tally.lost(`${payment} is ${status}, the provider has captured charge ${charge.id}`);
  if (captured && charge.amountMinor !== amountMinor) {
    tally.unexpected(`${payment} is for ${amountMinor}, charge ${charge.id} took ${charge.amountMinor}`);
  }
  if (status === 'processing') tally.lost(`${payment} never learnt what became of it`);
  if (status === 'succeeded' && refundWanted) tally.lost(`${payment} is wanted back and was not given back`);
  if (status === 'refunded' && refunds.length === 0) tally.lost(`${payment} is refunded, the provider has no refund`);
  if (status !== 'refunded' && refunds.length > 0) {
    tally.unexpected(`${payment} is ${status}, the provider gave it back with ${idsOf(refunds)}`);
  }
}

function checkOrder(tally: Tally, { id, status, totalMinor }: OrderRow, { captures, refunds }: Money): void {
  if (captures.length > 1) tally.duplicated(`order ${id} was captured by ${idsOf(captures)}`, captures.length - 1);
  if (refunds.length > 1) tally.duplicated(`order ${id} was given back by ${idsOf(refunds)}`, refunds.length - 1);
  const kept = sumOf(captures) - sumOf(refunds);
  const due = status === 'PAID' || status === 'COMPLETED' ? totalMinor : 0;
  if (kept < due) tally.lost(`order ${id} is ${status} for ${totalMinor}, the provider keeps ${kept}`);
  if (kept > due) tally.unexpected(`order ${id} is ${status}, the provider keeps ${kept}: charge ${idsOf(captures)}`);
  if (status === 'REFUNDED' && captures.length === 0) {
    tally.unexpected(`order ${id} is REFUNDED and was never captured`);
  }
}

/** What the provider booked and no payment knows of. */
function checkStrays(tally: Tally, { charges, refunds, payments }: Evidence): void {
  const keys = new Set(payments.map(({ idempotencyKey }) => idempotencyKey));
  for (const { id, idempotencyKey, outcome } of charges) {
    if (outcome === 'captured' && !keys.has(idempotencyKey)) tally.unexpected(`charge ${id} belongs to no payment`);
  }
  const captured = new Map(
    charges.filter(({ outcome }) => outcome === 'captured').map((charge) => [charge.id, charge]),
  );
  for (const { id, chargeId, amountMinor } of refunds) {
    const charge = captured.get(chargeId);
    if (charge === undefined) tally.unexpected(`refund ${id} gives back charge ${chargeId}, which captured nothing`);
    else if (charge.amountMinor !== amountMinor) {
      tally.unexpected(`refund ${id} gives back ${amountMinor} of charge ${chargeId} over ${charge.amountMinor}`);
    }
  }
}

function checkOperation(tally: Tally, operation: Operation, money: ReadonlyMap<number, Money>): void {
  const { id, kind, outcome, orderId } = operation;
  if ((kind !== 'pay' && kind !== 'refund') || orderId === null) return;
  tally.attempted();
  const { captures, refunds } = money.get(orderId) ?? { captures: [], refunds: [] };
  const happened = (kind === 'pay' ? captures : refunds).length > 0;
  if (outcome === 'ok') tally.acknowledged();
  if (outcome === 'unknown') tally.unknown();
  if (outcome === 'unknown' && happened) tally.recovered();
  if (outcome === 'ok' && !happened) {
    tally.lost(`operation ${id} was answered that order ${orderId} is ${kind === 'pay' ? 'paid' : 'refunded'}`);
  }
}

function sumOf(rows: readonly { readonly amountMinor: number }[]): number {
  return rows.reduce((sum, { amountMinor }) => sum + amountMinor, 0);
}

function idsOf(rows: readonly { readonly id: number | string }[]): string {
  return rows.map(({ id }) => id).join(', ');
}
