import assert from 'node:assert/strict';
import type { Strike } from './schedule.ts';
import { playStrikes, type StrikeOptions } from './strikes.ts';
import type { Fault, FaultRecord } from './types.ts';

type Played = { readonly log: string[]; readonly records: FaultRecord[] };

function fault(name: string, log: string[], heal: () => Promise<object>): Fault {
  return {
    name,
    about: '',
    row: '',
    targets: ['order'],
    lastsMs: [1, 1],
    async strike(_world, target) {
      log.push(`strike ${name} ${target}`);
      return {
        async heal() {
          const notes = await heal();
          log.push(`heal ${name}`);
          return { ...notes };
        },
      };
    },
  };
}

function play(strikes: readonly Strike[], faults: readonly Fault[], played: Played, more: Partial<StrikeOptions> = {}) {
  const startedAt = performance.now();
  return playStrikes({
    strikes,
    faults,
    // What these faults do with it: nothing.
    world: Object.create(null),
    seed: 1,
    now: () => performance.now() - startedAt,
    loadBeganMs: 0,
    lastStrikeMs: 60_000,
    recovered: async () => 5,
    afterHealing: async () => undefined,
    record: (record) => played.records.push(record),
    say: () => undefined,
    isCancelled: () => false,
    ...more,
  });
}

const strike = (name: string, atMs: number): Strike => ({ fault: name, target: 'order', atMs, lastsMs: 1 });

describe('playing the schedule', () => {
  it('strikes, heals and records each with its recovery and notes; the next waits until a long healing is done', async () => {
    const played: Played = { log: [], records: [] };
    const slow = Promise.withResolvers<object>();
    const faults = [fault('a', played.log, () => slow.promise), fault('b', played.log, async () => ({}))];
    const player = play([strike('a', 0), strike('b', 10)], faults, played);
    setTimeout(() => slow.resolve({ poison: [] }), 300);
    await player.done;
    assert.deepEqual(played.log, ['strike a order', 'heal a', 'strike b order', 'heal b']);
    assert.deepEqual(
      played.records.map(({ name, recoveredMs, notes }) => ({ name, recoveredMs, notes })),
      [
        { name: 'a', recoveredMs: 5, notes: { poison: [] } },
        { name: 'b', recoveredMs: 5, notes: {} },
      ],
    );
    assert.deepEqual(player.problems, []);
  });

  it('reports a fault that cannot be healed as trouble of the run, and goes on', async () => {
    const played: Played = { log: [], records: [] };
    const faults = [
      fault('a', played.log, () => Promise.reject(new Error('it would not come back'))),
      fault('b', played.log, async () => ({})),
    ];
    const player = play([strike('a', 0), strike('b', 10)], faults, played);
    await player.done;
    assert.deepEqual(player.problems, ['a on order: it would not come back']);
    assert.ok(played.log.includes('heal b'));
  });

  it('leaves out what has no time left', async () => {
    const played: Played = { log: [], records: [] };
    const faults = [fault('a', played.log, async () => ({}))];
    const player = play([strike('a', 0)], faults, played, { lastStrikeMs: -1 });
    await player.done;
    assert.deepEqual(played.log, []);
    assert.equal(player.leftOut.length, 1);
  });

  it('heals at once what lasts when the run is cancelled, and strikes no more', async () => {
    const played: Played = { log: [], records: [] };
    const faults = [fault('a', played.log, async () => ({}))];
    let isCancelled = false;
    const long = { ...strike('a', 0), lastsMs: 600_000 };
    const player = play([long, strike('a', 700_000)], faults, played, { isCancelled: () => isCancelled });
    setTimeout(() => {
      isCancelled = true;
    }, 150);
    await player.done;
    assert.deepEqual(played.log, ['strike a order', 'heal a']);
  });
});
