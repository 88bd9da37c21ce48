/** What a delayed exchange promises beside, whichever strategy it uses. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { availableParallelism, loadavg } from 'node:os';
import { eventually, type TestDatabase } from '@punctual/testing';
import { RetryLater } from '../errors.ts';
import type { RabbitTransport } from './rabbit-transport.ts';
import { applyOnce, openStage, type Send, type Stage, stageDatabase } from './stage.ts';

/** Only the last hop overshoots, by 250 ms at most (rungs.ts); the rest is for a busy machine. */
const LATENESS_BOUND_MS = 250 + 1_500;
const AT_ONCE_MS = 2_000;
const MANY = 2_000;
const SPREAD_MS = 3_000;

export function describeDelayGuarantees(name: string, openTransport: () => Promise<RabbitTransport>): void {
  describe(`${name}: what a delayed exchange promises`, () => {
    let database: TestDatabase;
    let stage: Stage;
    let transport: RabbitTransport;
    let latenessMs: Map<number, number>;

    before(async () => {
      database = await stageDatabase();
    });
    after(() => database.drop());
    beforeEach(async () => {
      stage = await openStage(database, async () => {
        transport = await openTransport();
        return transport;
      });
      latenessMs = new Map();
      await stage
        .consume({
          async handle(batch) {
            const now = Date.now();
            for (const { data, dueAt } of batch) latenessMs.set(data.n, now - (dueAt?.getTime() ?? Infinity));
            await applyOnce(stage.db, batch);
          },
        })
        .start();
    });
    afterEach(() => stage.close());

    function notesDueIn(delaysMs: readonly number[]): Send[] {
      const now = Date.now();
      return delaysMs.map((delayMs, n) => ({ key: 'a', n, id: randomUUID(), dueAt: new Date(now + delayMs) }));
    }

    function assertPunctual(): void {
      const early = [...latenessMs].filter(([, lateness]) => !(lateness >= 0));
      const late = [...latenessMs].filter(([, lateness]) => lateness > onThisMachine(LATENESS_BOUND_MS));
      assert.deepEqual({ early, late }, { early: [], late: [] });
    }

    it('hands nothing over early, and nothing late by more than its bound, for any delay', async () => {
      const delaysMs = [0, 1, 49, 80, 99, 101, 120, 250, 251, 333, 499, 777, 1_001, 1_999, 2_345, 3_210];
      await stage.send(notesDueIn(delaysMs));
      await eventually(() => assert.equal(latenessMs.size, delaysMs.length));
      assertPunctual();
    });

    it('delivers what is long overdue at once', async () => {
      const sentAt = Date.now();
      await stage.send(notesDueIn([-86_400_000]));
      await eventually(() => assert.equal(latenessMs.size, 1));
      assert.ok(Date.now() - sentAt < onThisMachine(AT_ONCE_MS));
    });

    it(`delivers ${MANY} delayed messages, each with exactly one effect, in time`, async () => {
      const notes = notesDueIn(Array.from({ length: MANY }, (_, n) => 500 + (n * SPREAD_MS) / MANY));
      await stage.send(notes);
      await eventually(async () => assert.equal((await stage.effects()).length, MANY), {
        timeoutMs: 30_000,
        intervalMs: 200,
      });
      const effects = new Set((await stage.effects()).map(({ event_id }) => event_id));
      assert.deepEqual(effects, new Set(notes.map(({ id }) => id)));
      assertPunctual();
    }).timeout(60_000);

    it('delivers everything after the connections broke while messages were waiting', async () => {
      const notes = notesDueIn(Array.from({ length: 200 }, (_, n) => 6_000 + n * 10));
      await stage.send(notes);
      await eventually(async () => assert.equal(await stage.outboxRows(), 0));
      await eventually(async () => assert.ok((await transport.breakConnections()) > 0, 'no connections listed yet'), {
        timeoutMs: 15_000,
        intervalMs: 200,
      });
      await eventually(async () => assert.equal((await stage.effects()).length, notes.length), { timeoutMs: 20_000 });
      assert.deepEqual(new Set(latenessMs.keys()), new Set(notes.map(({ n }) => n)));
      assert.deepEqual(
        [...latenessMs].filter(([, lateness]) => !(lateness >= 0)),
        [],
      );
    }).timeout(60_000);
  });

  describe(`${name}: retries`, () => {
    let database: TestDatabase;
    let stage: Stage;

    before(async () => {
      database = await stageDatabase();
    });
    after(() => database.drop());
    beforeEach(async () => {
      stage = await openStage(database, openTransport);
    });
    afterEach(() => stage.close());

    it('wait in the broker, counting attempts, while other messages go on', async () => {
      const log: string[] = [];
      await stage
        .consume({
          maxAttempts: 4,
          async handle(batch) {
            for (const { data, attempt } of batch) log.push(`${data.n}/${attempt}`);
            if (batch.some(({ data, attempt }) => data.n === 1 && attempt < 3)) throw new Error('not yet');
            await applyOnce(stage.db, batch);
          },
        })
        .start();
      await stage.send([{ key: 'a', n: 1 }]);
      await eventually(() => assert.ok(log.includes('1/1')));
      await stage.send([{ key: 'a', n: 2 }]);
      await eventually(async () => assert.equal((await stage.effects()).length, 2));
      assert.deepEqual(
        log.filter((entry) => entry.startsWith('1/')),
        ['1/1', '1/2', '1/3'],
      );
    });

    it('wait as long as the handler asks', async () => {
      const at: number[] = [];
      await stage
        .consume({
          async handle(batch) {
            at.push(Date.now());
            if (at.length === 1) throw new RetryLater('busy', { delayMs: 1_100 });
            await applyOnce(stage.db, batch);
          },
        })
        .start();
      await stage.send([{ key: 'a', n: 1 }]);
      await eventually(async () => assert.equal((await stage.effects()).length, 1));
      const waitedMs = (at[1] ?? 0) - (at[0] ?? 0);
      assert.ok(waitedMs >= 1_100 && waitedMs < 1_100 + onThisMachine(LATENESS_BOUND_MS), `waited ${waitedMs} ms`);
    });
  });
}

/** Times are promised for a machine that has a processor to spare; where many wait for each, all takes as many times longer. */
function onThisMachine(durationMs: number): number {
  const [waiting = 0] = loadavg();
  return durationMs * Math.max(1, waiting / availableParallelism());
}
