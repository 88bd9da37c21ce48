import { addToOutbox, type OutboxMessage } from '@punctual/messaging';
import type { Transaction } from '@punctual/postgres';
import type { Change } from '../domain/order.ts';
import { addHistory, type HistoryEntry } from '../store/history.ts';
import { updateOrders } from '../store/orders.ts';
import { cancelTimers } from '../store/timers.ts';
import { messagesOf } from './announce.ts';

export type Decisions = {
  readonly changes: readonly Change[];
  /** Who caused the changes: `user:17`, `admin:1`, `product` or `timer`. */
  readonly actor: string;
  /** What happened beside the changes; it stands before them in the history. */
  readonly history?: readonly HistoryEntry[];
  /** Messages beside those that the changes bring about. */
  readonly messages?: readonly OutboxMessage[];
  /** W3C trace context of the cause, by order; that of the current context where absent. */
  readonly traceparents?: ReadonlyMap<number, string>;
};

/**
 * Writes decisions with all that follows from them: state, timers, history and outbox, in the transaction that holds the
 * locks. A handful of statements, however many orders.
 */
export async function saveDecisions(tx: Transaction, decisions: Decisions): Promise<void> {
  const { changes, actor, history = [], messages = [], traceparents } = decisions;
  await updateOrders(
    tx,
    changes.map((change) => change.order),
  );
  await cancelTimers(tx, {
    paidIds: idsOf(changes, 'PAID'),
    endedIds: [...idsOf(changes, 'CANCELLED'), ...idsOf(changes, 'COMPLETED')],
  });
  const told = changes.map((change) => ({ change, messages: messagesOf(change) }));
  await addHistory(tx, [...history, ...told.map((entry) => historyEntry(entry, actor))]);
  const ofChanges = told.flatMap(({ change, messages: own }) => {
    const traceparent = traceparents?.get(change.order.id);
    return own.map((message) => (traceparent === undefined ? message : { ...message, traceparent }));
  });
  // Stock that an ended order gives back matters more than a reminder.
  await addToOutbox(tx, [...ofChanges, ...messages]);
}

type Told = { readonly change: Change; readonly messages: readonly OutboxMessage[] };

/** Of the orders that came into this state by a change. */
function idsOf(changes: readonly Change[], status: Change['order']['status']): number[] {
  return changes
    .filter(({ before, order }) => order.status === status && before.status !== status)
    .map(({ order }) => order.id);
}

function historyEntry({ change, messages }: Told, actor: string): HistoryEntry {
  const { before, order, fact, at } = change;
  const moved = before.status !== order.status;
  const mails = messages.map((message) => message.type).filter((type) => type.startsWith('mail.'));
  return {
    orderId: order.id,
    at,
    type: fact.type,
    actor,
    from: moved ? before.status : null,
    to: moved ? order.status : null,
    reason: order.reason,
    detail: mails.length > 0 ? { mails } : {},
  };
}
