import { addToOutbox, type OutboxMessage } from '@punctual/messaging';
import type { Transaction } from '@punctual/postgres';
import type { Change } from '../domain/order.ts';
import { addHistory, type HistoryEntry } from '../store/history.ts';
import { updateOrders } from '../store/orders.ts';
import { cancelTimers } from '../store/timers.ts';
import { messagesOf } from './announce.ts';

export type Decisions = {
  readonly changes: readonly Change[];
  /** Who caused the changes: `user:17`, `admin:1`, `product`, `payment` or `timer`. */
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
  // Of an order that took two steps at once the last is what it has become.
  const latest = new Map(changes.map(({ order }) => [order.id, order]));
  await updateOrders(tx, [...latest.values()]);
  await cancelTimers(tx, {
    paidIds: idsOf(changes, 'PAID'),
    endedIds: [...idsOf(changes, 'CANCELLED'), ...idsOf(changes, 'COMPLETED'), ...idsOf(changes, 'REFUNDED')],
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
  const { order, fact, at } = change;
  const mails = messages.map((message) => message.type).filter((type) => type.startsWith('mail.'));
  return {
    orderId: order.id,
    at,
    type: fact.type,
    actor,
    ...stepOf(change),
    reason: order.reason,
    detail: { ...paymentOf(change), ...(mails.length > 0 ? { mails } : {}) },
  };
}

function paymentOf({ order, fact }: Change): { payment_id?: number } {
  return fact.type === 'order.paid' && order.paymentId !== null ? { payment_id: order.paymentId } : {};
}

/** From where to where, of the status or of the fulfilment; the type of the entry tells which. */
function stepOf({ before, order, fact }: Change): Pick<HistoryEntry, 'from' | 'to'> {
  if (fact.type === 'order.status_changed') return { from: fact.from, to: fact.to };
  return before.status === order.status ? {} : { from: before.status, to: order.status };
}
