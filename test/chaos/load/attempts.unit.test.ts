import assert from 'node:assert/strict';
import { createRandom } from '../random.ts';
import { leavesOpen, type Reply, untilKnown } from './attempts.ts';

const reply = (status: number, code: string | null = null): Reply => ({
  status,
  code,
  data: undefined,
  details: undefined,
  totalItems: null,
});
const patience = (mayRetry: () => boolean) => ({ mayRetry, random: createRandom(1, 'test'), longestWaitMs: 1 });

describe('an outcome', () => {
  it('is open without an answer, after a failure of a server, and while a twin is at work', () => {
    const open = [null, reply(500), reply(503), reply(504), reply(401), reply(409, 'REQUEST_IN_PROGRESS')];
    for (const answer of [...open, reply(429, 'RATE_LIMITED')]) assert.ok(leavesOpen(answer), JSON.stringify(answer));
    for (const answer of [reply(200), reply(201), reply(404), reply(409, 'OUT_OF_STOCK'), reply(422)]) {
      assert.ok(!leavesOpen(answer), JSON.stringify(answer));
    }
  });

  it('is asked for until it is known, and every attempt is counted', async () => {
    const answers = [null, reply(503), reply(201)];
    const settled = await untilKnown<Reply>(
      patience(() => true),
      async (number) => {
        const answer = answers[number - 1] ?? null;
        return answer === null || leavesOpen(answer) ? { open: answer } : { result: answer, reply: answer };
      },
    );
    assert.equal(settled.attempts, 3);
    assert.equal(settled.result?.status, 201);
  });

  it('stays unknown when nobody waits any longer, with the last answer', async () => {
    let left = 3;
    const settled = await untilKnown<Reply>(
      patience(() => {
        left -= 1;
        return left > 0;
      }),
      async () => ({ open: reply(503, 'UNAVAILABLE') }),
    );
    assert.equal(settled.result, null);
    assert.equal(settled.last?.code, 'UNAVAILABLE');
  });

  it('is asked for more seldom the more customers wait, so that their attempts do not keep the shop down', async () => {
    const startedMs = performance.now();
    const answers = [reply(503), reply(201)];
    const settled = await untilKnown<Reply>({ ...patience(() => true), crowdWaitMs: () => 1_200 }, async (number) => {
      const answer = answers[number - 1] ?? reply(500);
      return leavesOpen(answer) ? { open: answer } : { result: answer, reply: answer };
    });
    assert.equal(settled.attempts, 2);
    assert.ok(performance.now() - startedMs >= 590);
  });
});
