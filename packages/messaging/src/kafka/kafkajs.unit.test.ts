import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import './kafkajs.ts';

type Queue = {
  pending: unknown[];
  throttledUntil: number;
  readonly throttleCheckTimeoutId: NodeJS.Timeout | null;
  checkPendingRequests(): void;
  destroy(): void;
};

const RequestQueue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as new (
  options: object,
) => Queue;

describe('a connection of kafkajs', () => {
  let queue: Queue;
  beforeEach(() => {
    queue = new RequestQueue({
      requestTimeout: 1_000,
      clientId: 'test',
      broker: 'localhost:1',
      isConnected: () => true,
    });
  });
  afterEach(() => queue.destroy());

  it('has no timer while nothing waits', () => {
    queue.checkPendingRequests();
    assert.equal(queue.throttleCheckTimeoutId, null);
  });

  it('looks again when the pause that the broker asked for is over', () => {
    queue.throttledUntil = Date.now() + 60_000;
    queue.pending.push({});
    queue.checkPendingRequests();
    assert.notEqual(queue.throttleCheckTimeoutId, null);
  });
});
