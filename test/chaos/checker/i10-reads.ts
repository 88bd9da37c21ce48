import type { History, Operation, Verdict } from '../types.ts';
import { createTally } from './tally.ts';

const CLAIM = 'A client never reads less of its order than an answer that it already had.';

const RANKS: Readonly<Record<string, number>> = { PENDING: 0, PAID: 1, COMPLETED: 2, CANCELLED: 2, REFUNDED: 2 };
const STOCK_RANKS: Readonly<Record<string, number>> = { pending: 0, reserved: 1, rejected: 1 };
const NOT_FOUND = 404;

type Seen = { readonly operation: Operation; readonly rank: number; readonly stockRank: number };

/**
 * Only an answer that had come before the read was sent counts. A list may lag, by design, and is left out.
 * attempted: reads of one order; acknowledged: those that were answered.
 */
export function checkReads({ operations }: Pick<History, 'operations'>): Verdict {
  const tally = createTally('I10', CLAIM);
  const ofOrder = Map.groupBy(
    operations.filter(({ orderId, answer }) => orderId !== null && answer?.list !== true),
    ({ orderId, userId, email }) => `${userId ?? email}/${orderId}`,
  );
  for (const own of ofOrder.values()) {
    const seen = own.flatMap((operation) => seenBy(operation) ?? []);
    for (const read of own) {
      if (read.kind !== 'read') continue;
      tally.attempted();
      const finding = regression(read, seen);
      if (read.outcome === 'ok') tally.acknowledged();
      if (read.outcome === 'unknown') tally.unknown();
      if (finding !== undefined) tally.lost(finding);
    }
  }
  return tally.verdict();
}

function regression(read: Operation, all: readonly Seen[]): string | undefined {
  const before = all.filter(({ operation }) => operation.endedMs <= read.startedMs && operation.id !== read.id);
  const shown = `operation ${read.id} read order ${read.orderId}`;
  if (read.status === NOT_FOUND) {
    const [known] = before;
    return known && `${shown} as not found, operation ${known.operation.id} had been answered with it`;
  }
  const now = seenBy(read);
  if (now === undefined) return undefined;
  const better = before.find(
    ({ rank, stockRank }) => rank > now.rank || (rank === now.rank && stockRank > now.stockRank),
  );
  const end = before.find(({ operation, rank }) => rank === 2 && operation.answer?.status !== read.answer?.status);
  const told = better ?? end;
  return (
    told &&
    `${shown} as ${describe(read)}, operation ${told.operation.id} had been answered ${describe(told.operation)}`
  );
}

function seenBy(operation: Operation): Seen | undefined {
  const { outcome, answer } = operation;
  const rank = RANKS[String(answer?.status)];
  if (outcome !== 'ok' || rank === undefined) return undefined;
  return { operation, rank, stockRank: STOCK_RANKS[String(answer?.stock)] ?? -1 };
}

function describe({ answer }: Operation): string {
  return answer?.stock === undefined
    ? String(answer?.status)
    : `${String(answer.status)}, stock ${String(answer.stock)}`;
}
