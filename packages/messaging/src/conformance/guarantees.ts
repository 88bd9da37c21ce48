/** What every transport promises. Each test is one sentence of the promise. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { DatabaseUnavailable } from '@punctual/postgres';
import { eventually, type TestDatabase } from '@punctual/testing';
import { RejectMessage } from '../errors.ts';
import { addToOutbox } from '../outbox/outbox.ts';
import {
  applyOnce,
  type NotedEnvelope,
  openStage,
  type Send,
  type Stage,
  stageDatabase,
  type Transport,
  writeEffects,
} from './stage.ts';

const SLOW = { timeoutMs: 15_000 };

export function numbered(count: number, key = 'a'): Send[] {
  return Array.from({ length: count }, (_, index) => ({ key, n: index + 1 }));
}

function sorted(numbers: Iterable<number>): number[] {
  return [...numbers].sort((a, b) => a - b);
}

export function describeGuarantees(name: string, openTransport: () => Promise<Transport>): void {
  describe(`${name}: what every transport promises`, () => {
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

    async function effectsOf(expected: readonly number[]): Promise<void> {
      await eventually(async () => {
        assert.deepEqual(sorted((await stage.effects()).map(({ n }) => n)), sorted(expected));
      }, SLOW);
    }

    it('delivers what was committed, whole, and nothing that was rolled back', async () => {
      const seen: NotedEnvelope[] = [];
      await stage
        .consume({
          async handle(batch) {
            seen.push(...batch);
            await applyOnce(stage.db, batch);
          },
        })
        .start();
      const rollback = stage.db.transaction(async (tx) => {
        await addToOutbox(tx, [stage.transport.message({ key: 'never', n: 99 })]);
        throw new Error('rolled back');
      });
      await assert.rejects(rollback, /rolled back/);
      const id = randomUUID();
      await stage.send([{ key: 'a', n: 1, id }]);
      await effectsOf([1]);
      const [envelope] = seen;
      assert.ok(envelope !== undefined);
      const { time, dueAt: _, ...rest } = envelope;
      assert.deepEqual(rest, {
        id,
        type: 'noted',
        source: '/conformance',
        subject: 'a',
        data: { key: 'a', n: 1 },
        attempt: 1,
      });
      assert.ok(Math.abs(Date.now() - Date.parse(time)) < 30_000);
      // The row goes after the broker's confirm, which may come after the message itself.
      await eventually(async () => assert.equal(await stage.outboxRows(), 0), SLOW);
    });

    it('delivers what was sent before the consumer first ran', async () => {
      await stage.send(numbered(20));
      await eventually(async () => assert.equal(await stage.outboxRows(), 0), SLOW);
      await stage.consume({ handle: (batch) => applyOnce(stage.db, batch) }).start();
      await effectsOf(sorted(numbered(20).map(({ n }) => n)));
    });

    it('hands messages over in batches', async () => {
      const sizes: number[] = [];
      await stage.send(numbered(100));
      await eventually(async () => assert.equal(await stage.outboxRows(), 0), SLOW);
      await stage
        .consume({
          batchSize: 40,
          async handle(batch) {
            sizes.push(batch.length);
            await applyOnce(stage.db, batch);
          },
        })
        .start();
      await effectsOf(numbered(100).map(({ n }) => n));
      assert.ok(Math.max(...sizes) > 1 && Math.max(...sizes) <= 40, `batch sizes ${sizes}`);
    });

    it('has one effect per message, however often the message is sent', async () => {
      let deliveries = 0;
      await stage
        .consume({
          async handle(batch) {
            await applyOnce(stage.db, batch);
            deliveries += batch.length;
          },
        })
        .start();
      const notes = numbered(10).map((note) => ({ ...note, id: randomUUID() }));
      await stage.send([...notes, ...notes]);
      await stage.send(notes);
      await eventually(() => assert.equal(deliveries, 30), SLOW);
      await effectsOf(notes.map(({ n }) => n));
    });

    it('repeats a message with its id when the relay dies between publishing and deleting', async () => {
      const seen: string[] = [];
      await stage
        .consume({
          async handle(batch) {
            await applyOnce(stage.db, batch);
            seen.push(...batch.map(({ id }) => id));
          },
        })
        .start();
      await stage.db.primary.raw(`
        CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'relay died'; END $$;
        CREATE TRIGGER die BEFORE DELETE ON outbox EXECUTE FUNCTION die()`);
      const notes = numbered(5).map((note) => ({ ...note, id: randomUUID() }));
      await stage.send(notes);
      await eventually(() => assert.ok(seen.length > notes.length), SLOW);
      await stage.db.primary.raw('DROP TRIGGER die ON outbox');
      await eventually(async () => assert.equal(await stage.outboxRows(), 0), SLOW);
      assert.deepEqual(new Set(seen), new Set(notes.map(({ id }) => id)));
      await effectsOf(notes.map(({ n }) => n));
    });

    it('brings a batch again when the consumer dies after its effect and before its acknowledgement', async () => {
      const attempts: number[][] = [];
      await stage
        .consume({
          async handle(batch) {
            await applyOnce(stage.db, batch);
            attempts.push(batch.map(({ data }) => data.n));
            if (attempts.length === 1) throw new Error('died');
          },
        })
        .start();
      await stage.send([{ key: 'a', n: 1 }]);
      await eventually(() => assert.deepEqual(attempts, [[1], [1]]), SLOW);
      await effectsOf([1]);
    });

    it('rolls a failing batch back, finds the message to blame, and keeps it with the reason', async () => {
      await stage
        .consume({
          maxAttempts: 3,
          handle: (batch) =>
            stage.db.transaction(async (tx) => {
              await writeEffects(tx, batch);
              if (batch.some(({ data }) => data.n === 7)) throw new TypeError('seven is too much');
            }),
        })
        .start();
      const notes = numbered(12).map((note) => ({ ...note, id: randomUUID() }));
      await stage.send(notes);
      await effectsOf(sorted(notes.map(({ n }) => n).filter((n) => n !== 7)));
      await eventually(async () => {
        const reason = 'TypeError: seven is too much';
        assert.deepEqual(await stage.transport.deadLetters(stage.db), [{ id: notes[6]?.id, reason }]);
      }, SLOW);
      const [metric] = (await stage.metrics.registry.getSingleMetric('dead_letters_total')?.get())?.values ?? [];
      assert.equal(metric?.value, 1);
    });

    it('keeps a rejected message at once, without trying it again', async () => {
      let attempts = 0;
      await stage
        .consume({
          async handle() {
            attempts += 1;
            throw new RejectMessage('the order is unknown');
          },
        })
        .start();
      await stage.send([{ key: 'a', n: 1 }]);
      await eventually(async () => {
        const [dead] = await stage.transport.deadLetters(stage.db);
        assert.match(String(dead?.reason), /the order is unknown/);
      }, SLOW);
      assert.equal(attempts, 1);
    });

    it('keeps poison with its reason and goes on with what is behind it', async () => {
      await stage.consume({ handle: (batch) => applyOnce(stage.db, batch) }).start();
      await stage.transport.publishRaw('{"key":');
      await stage.transport.publishRaw('{"key":"a","n":"not a number"}');
      await stage.transport.publishRaw(`"${'x'.repeat(1_000_000)}"`);
      await stage.send(numbered(3));
      await effectsOf([1, 2, 3]);
      await eventually(async () => {
        const dead = await stage.transport.deadLetters(stage.db);
        const reasons = dead.map(({ reason }) => reason).join();
        assert.match(reasons, /not JSON.*a note has a key and a number.*1000002 bytes/);
      });
    });

    it('waits out a database that is away without giving anything up', async () => {
      let outage = 5;
      const isAway = async (): Promise<void> => {
        if (outage > 0) throw new Error('away');
      };
      await stage
        .consume({
          maxAttempts: 2,
          ping: isAway,
          async handle(batch) {
            outage -= 1;
            if (outage > 0) throw new DatabaseUnavailable('away');
            await applyOnce(stage.db, batch);
          },
        })
        .start();
      await stage.send(numbered(3));
      await effectsOf([1, 2, 3]);
      assert.deepEqual(await stage.transport.deadLetters(stage.db), []);
    });

    it('leaves a batch that it could not finish to the next consumer', async () => {
      let attempts = 0;
      const first = stage.consume({
        ping: () => Promise.reject(new Error('away')),
        handle() {
          attempts += 1;
          return Promise.reject(new DatabaseUnavailable('away'));
        },
      });
      await first.start();
      await stage.send(numbered(3));
      await eventually(() => assert.ok(attempts > 1), SLOW);
      await first.stop();
      await stage.consume({ handle: (batch) => applyOnce(stage.db, batch) }).start();
      await effectsOf([1, 2, 3]);
    });

    it('finishes and acknowledges the running batch when it is stopped, and leaves the rest to the next consumer', async () => {
      const started = Promise.withResolvers<void>();
      const finish = Promise.withResolvers<void>();
      const first = stage.consume({
        batchSize: 5,
        async handle(batch) {
          started.resolve();
          await finish.promise;
          await applyOnce(stage.db, batch);
        },
      });
      await stage.send(numbered(20));
      await first.start();
      await started.promise;
      const stopped = first.stop();
      finish.resolve();
      await stopped;
      const before = new Set((await stage.effects()).map(({ n }) => n));
      assert.ok(before.size > 0 && before.size < 20, `${before.size} handled before the stop`);
      const again: number[] = [];
      await stage
        .consume({
          async handle(batch) {
            again.push(...batch.map(({ data }) => data.n));
            await applyOnce(stage.db, batch);
          },
        })
        .start();
      await effectsOf(numbered(20).map(({ n }) => n));
      assert.deepEqual(
        again.filter((n) => before.has(n)),
        [],
      );
    });
  });
}
