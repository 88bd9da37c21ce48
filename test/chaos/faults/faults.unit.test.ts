import assert from 'node:assert/strict';
import { deathOf, POINTS } from './crash-plan.ts';
import { FAULTS } from './index.ts';

/** What the platform promises to survive; the load plays the last item and its 500 buyers. */
const ROWS = [
  'kill -9 before/after commit, publish, acknowledge, SMTP DATA',
  'SIGSTOP longer than the lock TTL and the consumer session',
  "broker restart; RabbitMQ's data wiped at 'hour 3'",
  'FLUSHALL; down; failover while a lock is held',
  'primary restart; primary killed, replica promoted; replica 30 s behind',
  'every message delivered three times; paid after expired; cancelled before created',
  'poison: bad JSON, unknown version, 1 MB, wrong type',
  'clock of one node ± 1 h',
  'slow consumer; rebalance storm',
  'disk full or read-only',
  '25 h outage of order and mail',
  '100,000 timers due at once',
  'payment succeeded, reply lost; pay races expiry',
  'SMTP 4xx, hang, 250-then-reset',
  'rolling update with the next version of an event',
  'network: latency, reset, stall, partition',
];

describe('the faults', () => {
  it('are scenarios of every row of the table, and of no other', () => {
    assert.deepEqual([...new Set(FAULTS.map(({ row }) => row))].sort(), [...ROWS].sort());
  });

  it('have a name of their own, a sentence, something to strike and a time that they last', () => {
    assert.equal(new Set(FAULTS.map(({ name }) => name)).size, FAULTS.length);
    for (const { name, about, targets, lastsMs } of FAULTS) {
      assert.match(name, /^[a-z0-9]+(-[a-z0-9]+)*$/);
      assert.match(about, /^[A-Z].*[.)]$/, name);
      assert.ok(targets.length > 0, name);
      assert.ok(lastsMs[0] > 0 && lastsMs[0] <= lastsMs[1], name);
    }
  });
});

describe('the plan of a service that is to die at its crash points', () => {
  const plan = { points: POINTS, seed: 7, most: 200, deaths: '' };

  it('is the same for the same seed and another for another', () => {
    const lives = Array.from({ length: 20 }, (_, life) => life);
    assert.deepEqual(
      lives.map((life) => deathOf(plan, life)),
      lives.map((life) => deathOf(plan, life)),
    );
    assert.notDeepEqual(
      lives.map((life) => deathOf(plan, life)),
      lives.map((life) => deathOf({ ...plan, seed: 8 }, life)),
    );
  });

  it('comes by every point, and ends with the last death', () => {
    const points = Array.from({ length: 200 }, (_, life) => deathOf(plan, life)?.point);
    assert.deepEqual([...new Set(points)].sort(), [...POINTS].sort());
    assert.equal(deathOf(plan, 200), undefined);
  });
});
