import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createMetrics, type Metrics, silentLogger } from '@punctual/telemetry';
import { eventually, servers, tcpProxy, topicPrefix } from '@punctual/testing';
import { createKafka, type KafkaConnection } from './connection.ts';
import type { KafkaFollower } from './follower.ts';
import { createKafkajs } from './kafkajs.ts';

const logger = silentLogger();
const SLOW = { timeoutMs: 20_000 };
const schemas = { counted: { parse: parseCount } };

function parseCount(data: unknown): number {
  if (typeof data !== 'number') throw new TypeError('not a number');
  return data;
}

describe('a live follower of Kafka', function () {
  this.timeout(60_000);
  let prefix: string;
  let metrics: Metrics;
  let kafka: KafkaConnection;
  let followers: KafkaFollower[];

  beforeEach(() => {
    prefix = topicPrefix('follower');
    metrics = createMetrics('test');
    kafka = connectTo(servers().kafka.brokers);
    followers = [];
  });
  afterEach(async () => {
    for (const follower of followers) await follower.stop();
    await kafka.stop();
  });

  function connectTo(brokers: readonly string[]): KafkaConnection {
    return createKafka({ brokers, clientId: 'test', topicPrefix: prefix, logger, metrics });
  }

  async function follow(through: KafkaConnection, isWatched = (key: string) => key !== 'nobody looks') {
    const seen: number[] = [];
    let joined = 0;
    const follower = through.follow({
      name: 'watcher',
      topics: ['numbers'],
      schemas,
      isWatched,
      onEvent: ({ data }) => seen.push(data),
      onFollowing: () => {
        joined += 1;
      },
    });
    followers.push(follower);
    await follower.start();
    return { follower, seen, joined: () => joined };
  }

  function count(n: unknown, { key = 'one', type = 'counted' } = {}): Promise<void> {
    const time = new Date().toISOString();
    const envelope = { id: randomUUID(), type, source: '/test', subject: key, time, data: n, attempt: 1 };
    return kafka.publish([{ topic: 'numbers', key, envelope }]);
  }

  async function outcome(name: string): Promise<number> {
    const metric = await metrics.registry.getSingleMetric('kafka_followed_records_total')?.get();
    return metric?.values.find(({ labels }) => labels.outcome === name)?.value ?? 0;
  }

  const isFollowing = ({ follower }: { follower: KafkaFollower }) => eventually(() => follower.ping(), SLOW);

  it('tells every process each event, from the moment it follows on', async () => {
    await count(1);
    const here = await follow(kafka);
    const there = await follow(kafka);
    await Promise.all([isFollowing(here), isFollowing(there)]);
    assert.equal(here.joined(), 1);
    await count(2);
    await count(3);
    for (const { seen } of [here, there]) await eventually(() => assert.deepEqual(seen, [2, 3]), SLOW);
  });

  it('skips and counts poison, and passes over keys that nobody watches and types of others', async () => {
    const watching = await follow(kafka);
    await isFollowing(watching);
    await count('poison');
    await count(1, { key: 'nobody looks' });
    await count(2, { type: 'counted.differently' });
    await count(3);
    await eventually(() => assert.deepEqual(watching.seen, [3]), SLOW);
    assert.deepEqual([await outcome('poison'), await outcome('unwatched'), await outcome('delivered')], [1, 1, 1]);
  });

  it('leaves no group behind, and stops promptly also when the brokers are away', async () => {
    const watching = await follow(kafka);
    await isFollowing(watching);
    await watching.follower.stop();
    assert.deepEqual(await groups(), []);

    const away = connectTo(['127.0.0.1:1']);
    const lost = await follow(away);
    await assert.rejects(lost.follower.ping());
    const startedMs = performance.now();
    await lost.follower.stop();
    await away.stop();
    assert.ok(performance.now() - startedMs < 6_000, `took ${performance.now() - startedMs} ms`);
  });

  it('starts while the brokers are away, and follows once they are there', async () => {
    const [address = ''] = servers().kafka.brokers;
    const link = await tcpProxy(`tcp://${address}`);
    try {
      link.cut();
      const late = connectTo([`127.0.0.1:${link.port}`]);
      const watching = await follow(late);
      await assert.rejects(watching.follower.ping());
      link.heal();
      await isFollowing(watching);
      await count(1);
      await eventually(() => assert.deepEqual(watching.seen, [1]), SLOW);
      await watching.follower.stop();
      await late.stop();
    } finally {
      await link.stop();
    }
  });

  it('follows again after it has crashed, and says that events may have been missed', async () => {
    let isBroken = true;
    const watching = await follow(kafka, () => {
      if (isBroken) throw new Error('broken');
      return true;
    });
    await isFollowing(watching);
    await count(1);
    // kafkajs tries a batch that fails again and again before it gives the consumer up.
    await eventually(() => assert.rejects(watching.follower.ping()), { timeoutMs: 40_000 });
    isBroken = false;
    await eventually(() => assert.equal(watching.joined(), 2), SLOW);
    await count(2);
    await eventually(() => assert.deepEqual(watching.seen, [2]), SLOW);
  });

  async function groups(): Promise<string[]> {
    const admin = createKafkajs({ brokers: servers().kafka.brokers, clientId: 'test', logger }).admin();
    await admin.connect();
    try {
      const { groups: found } = await admin.listGroups();
      return found.map(({ groupId }) => groupId).filter((groupId) => groupId.startsWith(prefix));
    } finally {
      await admin.disconnect();
    }
  }
});
