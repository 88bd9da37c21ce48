import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type OrderStatus, TRANSITIONS } from './order.ts';
import { decideTimers, MAX_REMINDERS, reminderKind, reminderNumber, TIMER_KINDS, type Timer } from './timers.ts';

const HOUR_MS = 3_600_000;
const at = (hours: number) => new Date(Date.UTC(2026, 0, 1) + hours * HOUR_MS);
const DAY: readonly Timer[] = [
  { kind: 'expiry', dueAt: at(24) },
  { kind: 'reminder-3', dueAt: at(22) },
  { kind: 'reminder-1', dueAt: at(4) },
  { kind: 'reminder-2', dueAt: at(12) },
];
const told = (status: OrderStatus, hours: number, timers = DAY) => {
  const { settled, next } = decideTimers(status, timers, at(hours));
  return { settled: settled.map(({ kind, state }) => `${kind} ${state}`), next: next?.kind };
};

describe('timers that are due', () => {
  it('are none before their time: the next one is named', () => {
    assert.deepEqual(told('PENDING', 3.999), { settled: [], next: 'reminder-1' });
  });

  it('fire at their very instant', () => {
    assert.deepEqual(told('PENDING', 4), { settled: ['reminder-1 fired'], next: 'reminder-2' });
  });

  it('are one reminder only after an outage: the latest, the earlier ones are skipped', () => {
    assert.deepEqual(told('PENDING', 13), { settled: ['reminder-1 skipped', 'reminder-2 fired'], next: 'reminder-3' });
  });

  it('are the expiry alone once it is due: no reminder for an order that ends', () => {
    const settled = ['expiry fired', 'reminder-1 skipped', 'reminder-2 skipped', 'reminder-3 skipped'];
    assert.deepEqual(told('PENDING', 24), { settled, next: undefined });
  });

  it('are the expiry of a paid order, which completes it; its reminders are off at once', () => {
    const off = ['reminder-1 cancelled', 'reminder-2 cancelled', 'reminder-3 cancelled'];
    assert.deepEqual(told('PAID', 1), { settled: off, next: 'expiry' });
    assert.deepEqual(told('PAID', 25), { settled: ['expiry fired', ...off], next: undefined });
  });

  it('are cancelled with an order that has ended', () => {
    for (const status of ['COMPLETED', 'CANCELLED', 'REFUNDED'] as const) {
      const { settled, next } = decideTimers(status, DAY, at(30));
      assert.deepEqual([...new Set(settled.map(({ state }) => state))], ['cancelled']);
      assert.equal(next, undefined);
    }
  });

  it('are never early, never two at once, and end however an order is looked at', () => {
    const hours = fc.double({ min: 0, max: 48, noNaN: true });
    const statuses = fc.constantFrom(...(Object.keys(TRANSITIONS) as OrderStatus[]));
    fc.assert(
      fc.property(
        fc.uniqueArray(hours, { maxLength: 5 }),
        hours,
        fc.array(fc.tuple(hours, statuses)),
        (due, end, looks) => {
          let waiting: Timer[] = [...due]
            .sort((a, b) => a - b)
            .map((hour, index) => ({ kind: reminderKind(index + 1), dueAt: at(hour) }));
          waiting.push({ kind: 'expiry', dueAt: at(end) });
          for (const [hour, status] of [...looks, [100, 'PENDING'] as const]) {
            const { settled, next } = decideTimers(status, waiting, at(hour));
            const fired = settled.filter((timer) => timer.state === 'fired');
            assert.ok(fired.length <= 1);
            for (const timer of settled.filter(({ state }) => state === 'fired')) assert.ok(timer.dueAt <= at(hour));
            const kinds = new Set(settled.map((timer) => timer.kind));
            assert.equal(kinds.size, settled.length);
            waiting = waiting.filter((timer) => !kinds.has(timer.kind));
            assert.ok(next === undefined || waiting.some((timer) => timer.kind === next.kind));
            assert.equal(next === undefined, waiting.length === 0);
          }
          assert.deepEqual(waiting, []);
        },
      ),
    );
  });
});

describe('timer kinds', () => {
  it('are swept with the expiry first, and name reminders by number', () => {
    assert.equal(TIMER_KINDS[0], 'expiry');
    assert.equal(TIMER_KINDS.length, MAX_REMINDERS + 1);
    assert.equal(reminderNumber(reminderKind(3)), 3);
    assert.equal(reminderNumber('expiry'), undefined);
  });
});
