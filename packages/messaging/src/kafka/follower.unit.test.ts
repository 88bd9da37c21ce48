import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { createMetrics, silentLogger } from '@punctual/telemetry';
import type { Kafka } from 'kafkajs';
import { createFollower } from './follower.ts';

const JOIN = 'joined';
const START = 'fetch started';
const FETCH = 'fetched';

/** A follower whose consumer tells what a test says. */
async function follow() {
  const told = new EventEmitter();
  const running = Promise.withResolvers<void>();
  const consumer = {
    events: { GROUP_JOIN: JOIN, FETCH_START: START, FETCH, CRASH: 'crashed' },
    on: told.on.bind(told),
    connect: async () => undefined,
    subscribe: async () => undefined,
    run: async () => running.resolve(),
    disconnect: async () => undefined,
  };
  let following = 0;
  const follower = createFollower<Record<string, unknown>>(
    {
      name: 'watcher',
      topics: ['numbers'],
      schemas: {},
      isWatched: () => true,
      onEvent: () => undefined,
      onFollowing() {
        following += 1;
      },
    },
    {
      kafka: { consumer: () => consumer } as unknown as Kafka,
      topicPrefix: '',
      logger: silentLogger(),
      metrics: createMetrics('test'),
      ensureTopics: async () => undefined,
      withAdmin: async () => Promise.reject(new Error('no admin')),
    },
  );
  await follower.start();
  await running.promise;
  return {
    follower,
    following: () => following,
    tell: (event: string, nodeId = 1) => told.emit(event, { payload: { nodeId } }),
  };
}

describe('a live follower', () => {
  it('follows from the first fetch that began after it has joined, also when it joins anew during a fetch', async () => {
    const { follower, following, tell } = await follow();
    tell(JOIN);
    tell(START);
    assert.equal(following(), 0);
    tell(FETCH);
    assert.equal(following(), 1);

    tell(START, 1);
    tell(START, 2);
    tell(JOIN);
    tell(FETCH, 1);
    tell(FETCH, 2);
    assert.equal(following(), 1);
    await assert.rejects(follower.ping());
    tell(START, 2);
    tell(FETCH, 2);
    assert.equal(following(), 2);
    await follower.ping();
    await follower.stop();
  });
});
