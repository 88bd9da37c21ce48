import type { OutboxMessage } from '@punctual/messaging';
import type { Database, Transaction } from '@punctual/postgres';
import type { Metrics } from '@punctual/telemetry';
import { type Change, cancel, complete, type Order } from '../domain/order.ts';
import { timeLeftText } from '../domain/time-left.ts';
import { decideTimers, reminderNumber, type SettledTimer, type Timer, type TimerDecision } from '../domain/timers.ts';
import type { HistoryEntry } from '../store/history.ts';
import { type LockedOrder, lockOrders } from '../store/orders.ts';
import { type StoredTimer, settleTimers, timersOf } from '../store/timers.ts';
import { type NextTimer, reminderMail, wakeUps } from './announce.ts';
import { saveDecisions } from './save-decisions.ts';

const ACTOR = 'timer';
const LATENESS_BUCKETS_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 600, 3_600, 36_000];

/** `dueAt` as the message that woke the order had it; the sweeper has none, since it looks at the rows. */
export type WakeUp = { readonly orderId: number; readonly dueAt?: Date | undefined };
export type Waker = 'broker' | 'sweeper' | 'payment';
/** Resolves to the number of orders of which a timer fired. At most 200 orders at once. */
export type FireDueTimers = (wakings: readonly WakeUp[], by: { by: Waker }) => Promise<number>;

export type FireDueTimersOptions = { db: Database; timeScale: number; metrics: Metrics; wakeRelay(): void };

/** What one order's decision comes to, ready to be written with those of others. */
type Effects = {
  settled: (SettledTimer & { orderId: number })[];
  changes: Change[];
  history: HistoryEntry[];
  messages: OutboxMessage[];
  next: NextTimer[];
  fired: { kind: 'reminder' | 'expiry'; latenessMs: number }[];
};

/**
 * Makes the command that looks at orders' timers and does what is due by the database's clock. It goes by state, never by
 * who asked: called twice, by broker and sweeper at once, or for an order that needs nothing, it does a thing once.
 */
export function createFireDueTimers({ db, timeScale, metrics, wakeRelay }: FireDueTimersOptions): FireDueTimers {
  const firedTotal = metrics.counter({
    name: 'timers_fired_total',
    help: 'Timers that did what they are for, by what woke them',
    labelNames: ['kind', 'by'],
  });
  const lateness = metrics.histogram({
    name: 'timer_lateness_seconds',
    help: 'From the instant a timer was due to its transaction',
    labelNames: ['by'],
    buckets: LATENESS_BUCKETS_SECONDS,
  });

  async function fire(tx: Transaction, woken: ReadonlyMap<number, WakeUp>, by: Waker): Promise<Effects> {
    const effects: Effects = { settled: [], changes: [], history: [], messages: [], next: [], fired: [] };
    // A sweep comes again in a second, so it need not wait for orders that somebody works on.
    const locked = await lockOrders(tx, [...woken.keys()], { skipLocked: by === 'sweeper' });
    const timers = Map.groupBy(
      await timersOf(
        tx,
        locked.map(({ order }) => order.id),
      ),
      (timer) => timer.orderId,
    );
    for (const lockedOrder of locked) {
      const own = timers.get(lockedOrder.order.id) ?? [];
      addEffects(effects, lockedOrder, own, woken.get(lockedOrder.order.id)?.dueAt);
    }
    await settleTimers(tx, effects.settled);
    const messages = [...effects.messages, ...wakeUps(effects.next)];
    await saveDecisions(tx, { ...effects, messages, actor: ACTOR });
    return effects;
  }

  function addEffects(
    effects: Effects,
    { order, at }: LockedOrder,
    timers: readonly StoredTimer[],
    wokenFor?: Date,
  ): void {
    const waiting = timers.filter((timer) => timer.state === 'waiting');
    const decision = decideTimers(order.status, waiting, at);
    for (const timer of decision.settled) {
      effects.settled.push({ ...timer, orderId: order.id });
      if (timer.state !== 'cancelled') effects.history.push(timerHistory(order.id, timer, at));
      if (timer.state === 'fired') effects.fired.push({ kind: kindOf(timer), latenessMs: +at - +timer.dueAt });
    }
    const fired = decision.settled.find((timer) => timer.state === 'fired');
    if (fired?.kind === 'expiry') effects.changes.push(expire(order, at));
    else if (fired !== undefined) effects.messages.push(remind(order, fired, decision, timers, at, timeScale));
    const next = nextTimer(decision, at, wokenFor);
    if (next !== undefined) effects.next.push({ ...next, orderId: order.id });
  }

  return async function fireDueTimers(wakings, { by }) {
    const byOrder = new Map(wakings.map((wake) => [wake.orderId, wake]));
    const { fired } = await db.transaction((tx) => fire(tx, byOrder, by), { retries: 2 });
    for (const { kind, latenessMs } of fired) {
      firedTotal.inc({ kind, by });
      lateness.observe({ by }, latenessMs / 1_000);
    }
    if (fired.length > 0) wakeRelay();
    return fired.length;
  };
}

function expire(order: Order, at: Date): Change {
  return order.status === 'PAID' ? complete(order, at) : cancel(order, 'PAYMENT_EXPIRED', at);
}

function remind(
  order: Order,
  fired: SettledTimer,
  decision: TimerDecision,
  timers: readonly StoredTimer[],
  at: Date,
  timeScale: number,
): OutboxMessage {
  return reminderMail(order, {
    number: reminderNumber(fired.kind) ?? 1,
    of: timers.filter((timer) => timer.kind !== 'expiry').length,
    // What the customer is told is the shop's time, which TIME_SCALE makes run faster than the clock's.
    timeLeft: timeLeftText((+order.expiresAt - +at) * timeScale),
    notAfter: decision.next?.dueAt ?? order.expiresAt,
  });
}

/**
 * Whoever fires a timer arms the next. A wake-up that came before its time, because the clocks of the broker's clients
 * and of the database differ, is sent again for as long as is left; translated to this machine's clock, by which it was
 * early, or it would come back at once, over and over.
 */
function nextTimer({ settled, next }: TimerDecision, at: Date, wokenFor: Date | undefined): Timer | undefined {
  if (next === undefined || settled.length > 0) return next;
  if (wokenFor === undefined || wokenFor <= at) return undefined;
  return { kind: next.kind, dueAt: new Date(Date.now() + (+next.dueAt - +at)) };
}

function timerHistory(orderId: number, timer: SettledTimer, at: Date): HistoryEntry {
  const mails = timer.state === 'fired' && timer.kind !== 'expiry' ? { mails: ['mail.payment-reminder'] } : {};
  const detail = { kind: timer.kind, due_at: timer.dueAt.toISOString(), ...mails };
  return { orderId, at, type: `timer.${timer.state}`, actor: ACTOR, detail };
}

function kindOf(timer: SettledTimer): 'reminder' | 'expiry' {
  return timer.kind === 'expiry' ? 'expiry' : 'reminder';
}
