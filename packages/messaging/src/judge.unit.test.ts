import assert from 'node:assert/strict';
import { PoisonError } from './envelope.ts';
import { RejectMessage, RetryLater, WaitInPlace } from './errors.ts';
import { judge } from './judge.ts';

const there = () => Promise.resolve();
const away = () => Promise.reject(new Error('connection refused'));

describe('the judgement on a failure', () => {
  it('is against a message that can never succeed, whatever is away', async () => {
    for (const error of [new RejectMessage('no such address'), new PoisonError('not JSON')]) {
      assert.equal(await judge(error, away), 'reject');
    }
  });

  it('is to wait when something that every message needs is away, told by ping or by the handler', async () => {
    assert.equal(await judge(new Error('connection lost'), away), 'wait');
    assert.equal(await judge(new WaitInPlace('the mail server is away'), there), 'wait');
  });

  it('is to count everything else as an attempt', async () => {
    for (const error of [new Error('unknown'), new RetryLater('busy'), 'text']) {
      assert.equal(await judge(error, there), 'count');
    }
  });
});
