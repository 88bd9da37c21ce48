import assert from 'node:assert/strict';
import { DatabaseError } from 'pg';
import { DatabaseUnavailable } from './database-unavailable.ts';
import { isRetryable, isUnavailable, isUniqueViolation, sqlState } from './sqlstate.ts';

const fatal = (code: string, file: string): Error =>
  Object.assign(new DatabaseError('x', 1, 'error'), { severity: 'FATAL', code, file });
const withCode = (code: string): Error => Object.assign(new Error('x'), { code });

describe('errors of the database', () => {
  const cases: [string, Error, { retryable: boolean; unavailable: boolean }][] = [
    ['unique violation', withCode('23505'), { retryable: false, unavailable: false }],
    ['syntax error', withCode('42601'), { retryable: false, unavailable: false }],
    ['serialization failure', withCode('40001'), { retryable: true, unavailable: false }],
    ['deadlock', withCode('40P01'), { retryable: true, unavailable: false }],
    ['lock timeout', withCode('55P03'), { retryable: true, unavailable: false }],
    ['statement timeout', withCode('57014'), { retryable: true, unavailable: false }],
    ['a write to a standby during a failover', withCode('25006'), { retryable: true, unavailable: false }],
    ['shutdown of the server', withCode('57P01'), { retryable: true, unavailable: true }],
    ['too many connections', withCode('53300'), { retryable: true, unavailable: true }],
    ['full disk', withCode('53100'), { retryable: true, unavailable: true }],
    ['connection failure', withCode('08006'), { retryable: true, unavailable: true }],
    ['refused connection', withCode('ECONNREFUSED'), { retryable: true, unavailable: true }],
    ['lost connection', new Error('Connection terminated unexpectedly'), { retryable: true, unavailable: true }],
    [
      'lost connection in the middle of a statement',
      new Error('SELECT 1 - Connection terminated unexpectedly'),
      { retryable: true, unavailable: true },
    ],
    ['a backend that pgpool lost', fatal('XX000', 'pool_stream.c'), { retryable: true, unavailable: true }],
    ['a database that is not there yet', fatal('3D000', 'postinit.c'), { retryable: true, unavailable: true }],
    ['a wrong password', fatal('28P01', 'auth.c'), { retryable: false, unavailable: false }],
    ['our own error', new DatabaseUnavailable(undefined), { retryable: true, unavailable: true }],
    ['a mistake in the program', new TypeError('x is undefined'), { retryable: false, unavailable: false }],
  ];
  for (const [name, error, expected] of cases) {
    it(`judges ${name}: ${expected.unavailable ? 'the server cannot be had' : 'the server answered'}, ${expected.retryable ? 'try again' : 'do not repeat'}`, () => {
      assert.deepEqual({ retryable: isRetryable(error), unavailable: isUnavailable(error) }, expected);
    });
  }

  it('tells a SQLSTATE from other codes', () => {
    assert.equal(sqlState(withCode('23505')), '23505');
    assert.equal(sqlState(withCode('ECONNREFUSED')), undefined);
    assert.equal(sqlState({ code: '23505' }), undefined);
    assert.equal(isUniqueViolation(Object.assign(withCode('23505'), { constraint: 'a' }), 'b'), false);
  });
});
