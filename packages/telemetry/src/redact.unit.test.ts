import assert from 'node:assert/strict';
import fc from 'fast-check';
import { redact } from './redact.ts';

describe('redact', () => {
  it('replaces secrets by key, however deep and however written', () => {
    const fields = {
      password: 'x',
      user: { accessToken: 'x', 'set-cookie': 'x', Authorization: 'x', email: 'a@b.c' },
      list: [{ code: '123456', verification_token: 'x', JWT_SIGNING_KEY: 'x', apiKey: 'x' }],
    };
    assert.deepEqual(redact(fields), {
      password: '***',
      user: { accessToken: '***', 'set-cookie': '***', Authorization: '***', email: 'a@b.c' },
      list: [{ code: '***', verification_token: '***', JWT_SIGNING_KEY: '***', apiKey: '***' }],
    });
  });

  it('keeps what only sounds secret', () => {
    const fields = {
      error_code: 'E1',
      status_code: 200,
      token_type: 'Bearer',
      token_id: 'j1',
      code_path: 'a',
      password: null,
    };
    assert.deepEqual(redact(fields), fields);
  });

  it('removes credentials from URLs inside any text', () => {
    assert.deepEqual(redact({ url: 'lost amqp://user:pw@host:5672/v and postgres://u:p@db' }), {
      url: 'lost amqp://***@host:5672/v and postgres://***@db',
    });
  });

  it('writes an error as name, message, code, stack and cause, and nothing else that hangs on it', () => {
    const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    const error = Object.assign(new TypeError('failed', { cause }), { config: { headers: 'x' } });
    const { error: plain } = redact({ error });
    assert.ok(typeof plain === 'object' && plain !== null);
    assert.deepEqual(Object.keys(plain), ['name', 'message', 'stack', 'cause']);
    assert.equal(JSON.parse(JSON.stringify(plain)).cause.code, 'ECONNREFUSED');
  });

  it('cuts circles, depth, long text and long lists', () => {
    const circle: Record<string, unknown> = {
      list: Array.from({ length: 500 }, (_, index) => index),
      text: 'x'.repeat(20_000),
    };
    circle.self = circle;
    const plain = redact({ circle });
    assert.match(JSON.stringify(plain), /\[circular\]/);
    assert.ok(JSON.stringify(plain).length < 10_000);
  });

  it('yields something JSON can write, for anything', () => {
    fc.assert(
      fc.property(
        fc.anything({ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true }),
        (value) => {
          assert.equal(typeof JSON.stringify(redact({ value })), 'string');
        },
      ),
    );
  });
});
