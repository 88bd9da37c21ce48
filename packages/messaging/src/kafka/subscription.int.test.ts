import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createDatabase, type Database, rows } from '@punctual/postgres';
import { createMetrics, type Metrics, silentLogger } from '@punctual/telemetry';
import { eventually, servers, type TestDatabase, testDatabase, topicPrefix } from '@punctual/testing';
import { filterNew } from '../inbox.ts';
import { messagingMigrations } from '../migrations.ts';
import { createKafka, type KafkaConnection } from './connection.ts';
import type { KafkaMessage } from './message.ts';
import type { KafkaSubscription } from './subscription.ts';

const logger = silentLogger();
const SLOW = { timeoutMs: 20_000 };
const numbers = { counted: { parse: Number } };

function message(n: number, type = 'counted'): KafkaMessage {
  const time = new Date().toISOString();
  return {
    topic: 'numbers',
    key: String(n),
    envelope: { id: randomUUID(), type, source: '/test', subject: String(n), time, data: n, attempt: 1 },
  };
}

describe('a subscription to Kafka', () => {
  let database: TestDatabase;
  let db: Database;
  let metrics: Metrics;
  let kafka: KafkaConnection;
  let members: KafkaSubscription[];
  let seen: number[];

  beforeEach(async () => {
    database = await testDatabase('subscription', messagingMigrations);
    db = createDatabase({ primaryUrl: database.primaryUrl, applicationName: 'subscription', logger });
    metrics = createMetrics('test');
    kafka = connectTo(servers().kafka.brokers);
    members = [];
    seen = [];
  });
  afterEach(async () => {
    for (const member of members) await member.stop();
    await kafka.stop();
    await db.close();
    await database.drop();
  });

  function connectTo(brokers: readonly string[]): KafkaConnection {
    return createKafka({ brokers, clientId: 'test', topicPrefix: topicPrefix('subscription'), logger, metrics });
  }

  function join(through: KafkaConnection, handle?: () => Promise<void>): KafkaSubscription {
    const member = through.subscribe({
      groupId: 'counters',
      topics: ['numbers'],
      schemas: numbers,
      db,
      maxBatch: 10,
      onFatal: assert.fail,
      async handle(batch) {
        await handle?.();
        const fresh = await db.transaction((tx) => filterNew(tx, 'counters', batch));
        seen.push(...fresh.map(({ data }) => data));
      },
    });
    members.push(member);
    return member;
  }

  const isReady = (member: KafkaSubscription) => eventually(() => member.ping(), SLOW);
  const upTo = (count: number) => Array.from({ length: count }, (_, index) => index);
  const arrived = (count: number) =>
    eventually(
      () =>
        assert.deepEqual(
          seen.toSorted((a, b) => a - b),
          upTo(count),
        ),
      SLOW,
    );

  it('skips types that it was not made for, and commits past them', async () => {
    const member = join(kafka);
    await member.start();
    await kafka.publish([message(9, 'counted.differently'), message(0)]);
    await arrived(1);
    assert.deepEqual(await rows(db.primary, 'SELECT FROM dead_letters'), []);
  });

  it('loses and repeats nothing while members come and go', async () => {
    const first = join(kafka);
    const second = join(kafka);
    await first.start();
    await isReady(first);
    const publishing = (async () => {
      for (const n of upTo(300)) await kafka.publish([message(n)]);
    })();
    await second.start();
    await isReady(second);
    await first.stop();
    await publishing;
    await arrived(300);
  }).timeout(60_000);

  it('starts while the brokers are away, is not ready, and stops promptly', async () => {
    const away = connectTo(['127.0.0.1:1']);
    const member = join(away);
    await member.start();
    await assert.rejects(member.ping());
    await assert.rejects(away.ping());
    const startedMs = performance.now();
    await member.stop();
    await away.stop();
    assert.ok(performance.now() - startedMs < 6_000, `took ${performance.now() - startedMs} ms`);
  });

  it('is idempotent in creating topics, also when many do it at once', async () => {
    await Promise.all(upTo(5).map(() => connectOnce()));
    async function connectOnce(): Promise<void> {
      await kafka.ensureTopics(['numbers', { topic: 'letters', partitions: 2 }]);
    }
    await kafka.publish([message(0)]);
  });

  it('writes a dead letter once, although the record is delivered again', async () => {
    const attempts: number[] = [];
    const member = kafka.subscribe({
      groupId: 'counters',
      topics: ['numbers'],
      schemas: {
        counted: {
          parse() {
            attempts.push(1);
            throw new Error('unreadable');
          },
        },
      },
      db,
      onFatal: assert.fail,
      handle: async () => assert.fail('poison must not be handled'),
    });
    members.push(member);
    await db.primary.raw(`
      CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
      CREATE TRIGGER die BEFORE INSERT ON dead_letters EXECUTE FUNCTION die()`);
    await member.start();
    await kafka.publish([message(0)]);
    await eventually(() => assert.ok(attempts.length >= 1), SLOW);
    await db.primary.raw('DROP TRIGGER die ON dead_letters');
    await eventually(async () => {
      const found = await rows<{ reason: string; payload: Buffer }>(
        db.primary,
        'SELECT reason, payload FROM dead_letters',
      );
      assert.deepEqual(
        found.map(({ payload }) => payload.toString()),
        ['0'],
      );
      assert.match(String(found[0]?.reason), /unreadable/);
    }, SLOW);
  });
});
