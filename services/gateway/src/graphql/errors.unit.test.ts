import assert from 'node:assert/strict';
import { type Logger, silentLogger } from '@punctual/telemetry';
import { ClientGoneError } from '../proxy/request-body.ts';
import { createErrorMask } from './errors.ts';

describe('an error of the graph', () => {
  it('is logged when nobody expected it, and not when the client has left', () => {
    const logged: string[] = [];
    const logger: Logger = { ...silentLogger(), error: (message) => logged.push(message) };
    const mask = createErrorMask(logger);
    assert.equal(mask(new ClientGoneError()).extensions.code, 'INTERNAL');
    assert.deepEqual(logged, []);
    assert.equal(mask(new Error('a secret')).message, 'Something went wrong on our side.');
    assert.deepEqual(logged, ['a field failed']);
  });
});
