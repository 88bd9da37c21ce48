import assert from 'node:assert/strict';
import { createMetrics, silentLogger } from '@punctual/telemetry';
import fc from 'fast-check';
import { type Breaker, createBreaker } from './breaker.ts';

const config = { CIRCUIT_BREAKER_MAX_REQUESTS: 2, CIRCUIT_BREAKER_INTERVAL: 60_000, CIRCUIT_BREAKER_TIMEOUT: 30_000 };

describe('a breaker that is asked and told', () => {
  let nowMs = 0;
  let breaker: Breaker;
  const made = (breakAfter: number) => {
    const [logger, metrics] = [silentLogger(), createMetrics('test')];
    return createBreaker('product', { config, breakAfter, logger, metrics, now: () => nowMs });
  };
  beforeEach(() => {
    nowMs = 0;
    breaker = made(3);
  });

  function call(outcome: 'answered' | 'failed' | 'unknown'): void {
    const ticket = breaker.admit();
    assert.ok(ticket !== undefined, 'the call was refused');
    breaker.settle(ticket, outcome);
  }
  const fail = (times: number): void => {
    for (let n = 0; n < times; n += 1) call('failed');
  };

  it('opens after failures in a row, and says when to come back', () => {
    fail(2);
    call('answered');
    fail(2);
    call('unknown');
    assert.equal(breaker.state, 'closed');
    fail(1);
    assert.equal(breaker.state, 'open');
    nowMs = 12_500;
    assert.equal(breaker.admit(), undefined);
    assert.equal(breaker.retryAfterSeconds(), 18);
  });

  it('opens after that many failures in a row, whatever came before', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10 }), fc.array(fc.boolean(), { maxLength: 100 }), (breakAfter, calls) => {
        breaker = made(breakAfter);
        let inRow = 0;
        for (const isAnswered of calls) {
          inRow = isAnswered ? 0 : inRow + 1;
          call(isAnswered ? 'answered' : 'failed');
          assert.equal(breaker.state, inRow >= breakAfter ? 'open' : 'closed');
          if (inRow >= breakAfter) return;
        }
      }),
    );
  });

  it('forgets failures when the interval is over, which begins with the first of them', () => {
    nowMs = 5_000;
    fail(1);
    nowMs = 64_999;
    fail(1);
    nowMs = 65_000;
    fail(2);
    assert.equal(breaker.state, 'closed', 'the first of a new count');
    fail(1);
    assert.equal(breaker.state, 'open');
  });

  it('begins an interval anew after an answer', () => {
    fail(2);
    nowMs = 59_000;
    call('answered');
    fail(1);
    nowMs = 110_000;
    fail(2);
    assert.equal(breaker.state, 'open');
  });

  it('closes by itself when its trial calls are answered, and lets no more than those through', () => {
    fail(3);
    nowMs = 30_000;
    const [first, second] = [breaker.admit(), breaker.admit()];
    assert.ok(first !== undefined && second !== undefined);
    assert.deepEqual([breaker.state, breaker.admit(), breaker.retryAfterSeconds()], ['half_open', undefined, 0]);
    breaker.settle(first, 'unknown');
    const third = breaker.admit();
    assert.ok(third !== undefined, 'a call of which nothing is known is no trial');
    breaker.settle(second, 'answered');
    breaker.settle(third, 'answered');
    assert.equal(breaker.state, 'closed');
  });

  it('opens again when a trial call fails', () => {
    fail(3);
    nowMs = 30_000;
    call('failed');
    assert.deepEqual([breaker.state, breaker.retryAfterSeconds()], ['open', 30]);
  });

  it('is closed at once when there is news of the dependency, whatever calls of before still bring', () => {
    const before = [breaker.admit(), breaker.admit(), breaker.admit()];
    fail(3);
    breaker.reset();
    for (const ticket of before) if (ticket !== undefined) breaker.settle(ticket, 'failed');
    assert.equal(breaker.state, 'closed');
    fail(2);
    breaker.reset();
    fail(2);
    assert.equal(breaker.state, 'closed');
  });
});
