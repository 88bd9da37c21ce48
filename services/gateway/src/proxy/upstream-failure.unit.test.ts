import assert from 'node:assert/strict';
import { payloadTooLarge } from '@punctual/http';
import { errors } from 'undici';
import { DeadlineError, failureAnswer, failureKind, mayRetry, replacementAnswer } from './upstream-failure.ts';

const withCode = (code: string): Error => Object.assign(new Error(code), { code });
const notHttp = new errors.HTTPParserError('Expected HTTP/');

describe('a failed exchange', () => {
  it('is tried again when it was never sent, or changes nothing and the connection broke', () => {
    const get = { method: 'GET', isReplayable: true, attempt: 1, untried: 0 };
    const post = { ...get, method: 'POST' };
    assert.ok(mayRetry(get, withCode('ECONNRESET')));
    assert.ok(mayRetry({ ...get, method: 'HEAD' }, withCode('UND_ERR_SOCKET')));
    assert.ok(mayRetry(get, withCode('ECONNREFUSED')));
    assert.ok(mayRetry(post, withCode('ECONNREFUSED')));
    assert.ok(!mayRetry(post, withCode('ECONNRESET')));
    assert.ok(!mayRetry({ ...get, method: 'DELETE' }, withCode('UND_ERR_SOCKET')));
    assert.ok(!mayRetry(get, new DeadlineError()));
    assert.ok(!mayRetry({ ...get, attempt: 2 }, withCode('ECONNRESET')));
    assert.ok(!mayRetry({ ...post, isReplayable: false }, withCode('ECONNREFUSED')));
  });

  it('is tried at each other instance when it was never sent, three times at most, and once more when the connection broke', () => {
    const post = { method: 'POST', isReplayable: true, attempt: 1, untried: 4 };
    const unreachable = withCode('UND_ERR_CONNECT_TIMEOUT');
    assert.ok(mayRetry(post, unreachable));
    assert.ok(!mayRetry({ ...post, untried: 0 }, unreachable));
    assert.ok(mayRetry({ ...post, attempt: 2 }, withCode('ECONNREFUSED')));
    assert.ok(!mayRetry({ ...post, attempt: 2, untried: 0 }, withCode('ECONNREFUSED')));
    assert.ok(!mayRetry({ ...post, attempt: 3 }, withCode('ECONNREFUSED')));
    assert.ok(!mayRetry(post, withCode('ECONNRESET')));
    assert.ok(!mayRetry({ ...post, method: 'GET', attempt: 2 }, withCode('ECONNRESET')));
  });

  it('becomes 504 when what was asked may have been done, 503 otherwise, and keeps what is the client’s mistake', () => {
    const statusOf = (method: string, error: Error) => failureAnswer('order', method, error).status;
    assert.equal(statusOf('GET', new DeadlineError()), 504);
    assert.equal(statusOf('GET', withCode('UND_ERR_BODY_TIMEOUT')), 504);
    assert.equal(statusOf('POST', withCode('ECONNRESET')), 504);
    assert.equal(statusOf('GET', withCode('ECONNRESET')), 503);
    assert.equal(statusOf('POST', notHttp), 504);
    assert.equal(statusOf('GET', notHttp), 503);
    for (const code of ['ECONNREFUSED', 'ESOMETHING']) {
      assert.equal(statusOf('POST', withCode(code)), 503, code);
    }
    assert.equal(statusOf('POST', payloadTooLarge(1)), 413);
  });

  it('is counted by what went wrong', () => {
    assert.equal(failureKind(withCode('UND_ERR_CONNECT_TIMEOUT')), 'refused');
    assert.equal(failureKind(withCode('EPIPE')), 'reset');
    assert.equal(failureKind(notHttp), 'bad_answer');
    assert.equal(failureKind(new Error('else')), 'other');
  });

  it('replaces what is not in our error shape', () => {
    assert.equal(replacementAnswer('order', 500, 'text/html')?.code, 'INTERNAL');
    assert.equal(replacementAnswer('order', 502, undefined)?.code, 'UNAVAILABLE');
    assert.equal(replacementAnswer('order', 504, 'text/plain')?.code, 'TIMEOUT');
    for (const type of ['application/json', 'application/json; charset=utf-8', 'application/problem+json']) {
      assert.equal(replacementAnswer('order', 500, type), undefined);
    }
    assert.equal(replacementAnswer('order', 404, 'text/html'), undefined);
  });
});
