import assert from 'node:assert/strict';
import { ERROR_GRPC_STATUS, ERROR_STATUS, type ErrorCode, type ErrorGrpcStatus, isErrorCode } from './errors.ts';

const CODES = Object.keys(ERROR_STATUS) as ErrorCode[];

/** What a gRPC status may be over HTTP. */
const HTTP_OF: Readonly<Record<ErrorGrpcStatus, readonly number[]>> = {
  INVALID_ARGUMENT: [400, 415],
  UNAUTHENTICATED: [401],
  PERMISSION_DENIED: [403],
  NOT_FOUND: [404],
  UNIMPLEMENTED: [405],
  ABORTED: [409],
  ALREADY_EXISTS: [409, 422],
  FAILED_PRECONDITION: [409, 428],
  OUT_OF_RANGE: [413],
  RESOURCE_EXHAUSTED: [429],
  INTERNAL: [500],
  UNAVAILABLE: [503],
  DEADLINE_EXCEEDED: [504],
};

describe('The table of errors', () => {
  it('has an HTTP and a gRPC status for every code, and for nothing else', () => {
    assert.deepEqual(Object.keys(ERROR_GRPC_STATUS), CODES);
    assert.ok(CODES.every(isErrorCode));
    assert.equal(isErrorCode('toString'), false);
  });

  it('gives codes of one gRPC status HTTP statuses that mean the same', () => {
    for (const code of CODES) {
      const allowed: readonly number[] = HTTP_OF[ERROR_GRPC_STATUS[code]];
      assert.ok(allowed.includes(ERROR_STATUS[code]), `${code}: ${ERROR_GRPC_STATUS[code]} and ${ERROR_STATUS[code]}`);
    }
  });

  it('asks for a retry with one code alone', () => {
    const retried = CODES.filter((code) => ERROR_GRPC_STATUS[code] === 'UNAVAILABLE');
    assert.deepEqual(retried, ['UNAVAILABLE']);
  });
});
