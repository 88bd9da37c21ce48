/**
 * An order's timers: reminders to pay, then expiry. A timer is waiting until it is
 *
 *   fired      it came due and did what it is for; at most one reminder per decision
 *   skipped    it came due, but something later or more important spoke in its place
 *   cancelled  the order no longer needs it
 *
 * Whoever wakes an order (the broker, or the sweeper after an outage) says only "look at it". What to do follows from the
 * order's status, its waiting timers and the clock, so waking twice, late or early does no harm.
 */
import type { OrderStatus } from './order.ts';

export type TimerKind = 'expiry' | `reminder-${number}`;
export type TimerState = 'waiting' | 'fired' | 'skipped' | 'cancelled';
export type Timer = { readonly kind: TimerKind; readonly dueAt: Date };
export type SettledTimer = Timer & { readonly state: Exclude<TimerState, 'waiting'> };

export type TimerDecision = {
  /** Every timer that is waiting no more; at most one of them fired. */
  readonly settled: readonly SettledTimer[];
  /** The next one to wake the order, when there is any. */
  readonly next: Timer | undefined;
};

/** Bounds the kinds that a sweep has to look for. */
export const MAX_REMINDERS = 10;

/** In the order in which a sweep serves them: after an outage an expiry makes reminders pointless. */
export const TIMER_KINDS: readonly TimerKind[] = [
  'expiry',
  ...Array.from({ length: MAX_REMINDERS }, (_, index) => reminderKind(index + 1)),
];

export function reminderKind(number: number): TimerKind {
  return `reminder-${number}`;
}

/** The number of a reminder, from 1; undefined for the expiry. */
export function reminderNumber(kind: TimerKind): number | undefined {
  return kind === 'expiry' ? undefined : Number(kind.slice('reminder-'.length));
}

/** `waiting` in any order. Nothing due before `now` is settled unless the order's status makes it pointless. */
export function decideTimers(status: OrderStatus, waiting: readonly Timer[], now: Date): TimerDecision {
  const expiry = waiting.find((timer) => timer.kind === 'expiry');
  const reminders = waiting.filter((timer) => timer.kind !== 'expiry').sort((a, b) => +a.dueAt - +b.dueAt);
  const expired = expiry !== undefined && expiry.dueAt <= now;

  switch (status) {
    case 'PENDING':
      if (expired) return { settled: [settle(expiry, 'fired'), ...settleAll(reminders, 'skipped')], next: undefined };
      return remind(reminders, expiry, now);
    case 'PAID':
      return {
        settled: [...(expired ? [settle(expiry, 'fired')] : []), ...settleAll(reminders, 'cancelled')],
        next: expired ? undefined : expiry,
      };
    case 'COMPLETED':
    case 'CANCELLED':
    case 'REFUNDED':
      return { settled: settleAll(waiting, 'cancelled'), next: undefined };
    default:
      return status satisfies never;
  }
}

/** After an outage several reminders are due at once: the customer gets the latest only. */
function remind(reminders: readonly Timer[], expiry: Timer | undefined, now: Date): TimerDecision {
  const due = reminders.filter((timer) => timer.dueAt <= now);
  const latest = due.at(-1);
  return {
    settled: due.map((timer) => settle(timer, timer === latest ? 'fired' : 'skipped')),
    next: reminders[due.length] ?? expiry,
  };
}

function settle(timer: Timer, state: SettledTimer['state']): SettledTimer {
  return { kind: timer.kind, dueAt: timer.dueAt, state };
}

function settleAll(timers: readonly Timer[], state: SettledTimer['state']): SettledTimer[] {
  return timers.map((timer) => settle(timer, state));
}
