import assert from 'node:assert/strict';
import { createMetrics, silentLogger } from '@punctual/telemetry';
import fc from 'fast-check';
import { createWorkerPool, type WorkerPoolOptions, WorkerPoolRefused } from './index.ts';

const REJECT = { whenFull: 'reject' } as const;
const WAIT = { whenFull: 'wait' } as const;

describe('a worker pool', () => {
  const poolOf = (options: Partial<WorkerPoolOptions> = {}) => {
    const metrics = createMetrics('test');
    const pool = createWorkerPool({
      name: 'letters',
      workers: 2,
      queueLimit: 1,
      logger: silentLogger(),
      metrics,
      ...options,
    });
    const text = () => metrics.registry.metrics();
    return { pool, text };
  };

  it('works on so many pieces at a time, lets so many wait, and refuses the rest', async () => {
    const { pool, text } = poolOf();
    const work = Promise.withResolvers<string>();
    const taken = [1, 2, 3].map(() => pool.submit(() => work.promise, REJECT));
    await assert.rejects(
      pool.submit(() => work.promise, REJECT),
      { name: 'WorkerPoolRefused', reason: 'full' },
    );
    assert.match(await text(), /worker_pool_running\{[^}]*pool="letters"[^}]*\} 2/);
    assert.match(await text(), /worker_pool_queued\{[^}]*\} 1/);
    assert.match(await text(), /worker_pool_refused_total\{[^}]*reason="full"[^}]*\} 1/);
    work.resolve('sent');
    assert.deepEqual(await Promise.all(taken), ['sent', 'sent', 'sent']);
    assert.match(await text(), /worker_pool_running\{[^}]*\} 0/);
  });

  it('lets those wait for room who want to, and each has its turn in order', async () => {
    const { pool } = poolOf({ workers: 1, queueLimit: 0 });
    const begun: number[] = [];
    const piece = (number: number) => async () => {
      begun.push(number);
      await Promise.resolve();
    };
    await Promise.all([1, 2, 3, 4].map((number) => pool.submit(piece(number), WAIT)));
    assert.deepEqual(begun, [1, 2, 3, 4]);
  });

  it('passes a failure on to who submitted the work, and goes on', async () => {
    const { pool } = poolOf({ workers: 1 });
    await assert.rejects(
      pool.submit(() => Promise.reject(new Error('torn')), REJECT),
      /torn/,
    );
    assert.equal(await pool.submit(async () => 'sent', REJECT), 'sent');
  });

  it('never works on more pieces than it has workers, and loses none', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 30 }),
        async (workers, lengths) => {
          const { pool } = poolOf({ workers });
          let running = 0;
          let done = 0;
          const piece = (turns: number) => async () => {
            running += 1;
            assert.ok(running <= workers);
            for (let turn = 0; turn < turns; turn += 1) await Promise.resolve();
            running -= 1;
            done += 1;
          };
          await Promise.all(lengths.map((turns) => pool.submit(piece(turns), WAIT)));
          assert.equal(done, lengths.length);
        },
      ),
    );
  });

  describe('on stop', () => {
    it('takes no more and finishes what it has, also what waits', async () => {
      const { pool } = poolOf({ workers: 1 });
      const work = Promise.withResolvers<void>();
      const taken = [1, 2].map(() => pool.submit(() => work.promise, REJECT));
      const stopped = pool.stop();
      await assert.rejects(
        pool.submit(() => work.promise, WAIT),
        { reason: 'stopping' },
      );
      work.resolve();
      await Promise.all([...taken, stopped]);
    });

    it('drops what waits and aborts what runs when that takes too long', async () => {
      const { pool } = poolOf({ workers: 1, stopTimeoutMs: 5 });
      const heeding = (signal: AbortSignal) =>
        new Promise<void>((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('aborted')));
        });
      const running = assert.rejects(pool.submit(heeding, REJECT), /aborted/);
      const dropped = assert.rejects(
        pool.submit(() => assert.fail('it must not begin'), REJECT),
        WorkerPoolRefused,
      );
      await pool.stop();
      await Promise.all([running, dropped]);
    });

    it('has nothing to wait for when nothing runs', async () => {
      await poolOf({ stopTimeoutMs: 60_000 }).pool.stop();
    });
  });
});
