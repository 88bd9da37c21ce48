import assert from 'node:assert/strict';
import type { Component } from '@punctual/lifecycle';
import { createDatabase, type Database, leaseMigrations, one, rows } from '@punctual/postgres';
import { createMetrics, type Metrics, silentLogger } from '@punctual/telemetry';
import {
  eventually,
  servers,
  type TestDatabase,
  type TestVhost,
  testDatabase,
  testVhost,
  topicPrefix,
} from '@punctual/testing';
import { filterNew } from '../inbox.ts';
import { createKafka, type KafkaConnection } from '../kafka/connection.ts';
import { messagingMigrations } from '../migrations.ts';
import { createRabbit, type RabbitConnection } from '../rabbit/connection.ts';
import type { Topology } from '../topology.ts';
import { addToOutbox, type OutboxMessage } from './outbox.ts';
import { createRelay, type Relay } from './relay.ts';

const logger = silentLogger();
const SLOW = { timeoutMs: 15_000 };
const UNUSED_PORT = '127.0.0.1:1';
const topology: Topology = {
  exchanges: ['jobs'],
  delayed: [],
  queues: [{ name: 'work', bindings: [{ exchange: 'jobs', routingKey: 'work.#' }] }],
};

type Step = { key: string; n: number };
const stepSchemas = { step: { parse: (data: unknown) => data as Step } };

describe('the relay', () => {
  let database: TestDatabase;
  let vhost: TestVhost;
  let db: Database;
  let kafka: KafkaConnection;
  let rabbit: RabbitConnection;
  let running: Component[];

  beforeEach(async () => {
    database = await testDatabase('relay', [...leaseMigrations, ...messagingMigrations]);
    vhost = await testVhost('relay');
    db = createDatabase({ primaryUrl: database.primaryUrl, applicationName: 'relay', logger });
    kafka = newKafka(servers().kafka.brokers);
    rabbit = createRabbit({ url: vhost.url, name: 'relay', logger, metrics: createMetrics('relay') });
    rabbit.declare(topology);
    await rabbit.start();
    running = [];
  });
  afterEach(async () => {
    for (const component of running.reverse()) await component.stop();
    await rabbit.stop();
    await kafka.stop();
    await db.close();
    await database.drop();
    await vhost.drop();
  });

  function newKafka(brokers: readonly string[]): KafkaConnection {
    const metrics = createMetrics('relay');
    return createKafka({ brokers, clientId: 'relay', topicPrefix: topicPrefix('relay'), logger, metrics });
  }

  async function startRelay(options: { kafka?: KafkaConnection; metrics?: Metrics } = {}): Promise<Relay> {
    const relay = createRelay({
      db,
      kafka,
      rabbit,
      logger,
      metrics: createMetrics('relay'),
      source: '/test',
      leaseName: 'relay',
      leaseTtlMs: 1_000,
      ...options,
    });
    running.push(relay);
    await relay.start();
    return relay;
  }

  const job = (routingKey: string, exchange = 'jobs'): OutboxMessage => ({
    transport: 'rabbit',
    exchange,
    routingKey,
    type: 'job',
    data: {},
  });
  const event = (key: string): OutboxMessage => ({
    transport: 'kafka',
    topic: 'steps',
    key,
    type: 'step',
    data: { key },
  });
  const write = (messages: OutboxMessage[]) => db.transaction((tx) => addToOutbox(tx, messages));
  const waiting = () =>
    rows<{ routing_key: string; attempts: number; last_error: string | null }>(
      db.primary,
      'SELECT routing_key, attempts, last_error FROM outbox ORDER BY id',
    );
  const emptied = () => eventually(async () => assert.deepEqual(await waiting(), []), SLOW);
  async function published(metrics: Metrics): Promise<number> {
    const found = await metrics.registry.getSingleMetric('relay_published_total')?.get();
    return (found?.values ?? []).reduce((sum, { value }) => sum + value, 0);
  }

  it('keeps the order of each aggregate while many writers commit at once', async () => {
    const KEYS = ['a', 'b', 'c', 'd', 'e'];
    await db.primary.raw('CREATE TABLE counters (key text PRIMARY KEY, n integer NOT NULL)');
    await db.primary('counters').insert(KEYS.map((key) => ({ key, n: 0 })));
    const seen = new Map(KEYS.map((key) => [key, [] as number[]]));
    const subscription = kafka.subscribe({
      groupId: 'order',
      topics: ['steps'],
      schemas: stepSchemas,
      db,
      maxBatch: 20,
      onFatal: assert.fail,
      async handle(batch) {
        const fresh = await db.transaction((tx) => filterNew(tx, 'order', batch));
        for (const { data } of fresh) seen.get(data.key)?.push(data.n);
      },
    });
    running.push(subscription);
    await subscription.start();
    const relay = await startRelay();
    const step = (key: string) =>
      db.transaction(async (tx) => {
        const sql = 'UPDATE counters SET n = n + 1 WHERE key = ? RETURNING n';
        const n = (await one<{ n: number }>(tx, sql, [key]))?.n ?? 0;
        await addToOutbox(tx, [{ transport: 'kafka', topic: 'steps', key, type: 'step', data: { key, n } }]);
        relay.wake();
      });
    const PER_WRITER = 50;
    const writer = async (_: unknown, index: number) => {
      for (let turn = 0; turn < PER_WRITER; turn += 1) await step(KEYS[(turn * 7 + index) % KEYS.length] ?? 'a');
    };
    await Promise.all(Array.from({ length: 8 }, writer));
    await eventually(() => assert.equal([...seen.values()].flat().length, 8 * PER_WRITER), SLOW);
    for (const [key, numbers] of seen) {
      const inOrder = Array.from({ length: numbers.length }, (_, index) => index + 1);
      assert.deepEqual(numbers, inOrder, `events of ${key}`);
    }
    await emptied();
  }).timeout(40_000);

  it('works in one process at a time, and the other takes over', async () => {
    const [first, second] = [createMetrics('first'), createMetrics('second')];
    const active = await startRelay({ metrics: first });
    await write([job('work.1')]);
    await emptied();
    const standby = await startRelay({ metrics: second });
    await write([job('work.2'), event('x')]);
    standby.wake();
    active.wake();
    await emptied();
    assert.deepEqual([await published(first), await published(second)], [3, 0]);
    await active.stop();
    await write([job('work.3')]);
    await emptied();
    assert.deepEqual([await published(first), await published(second)], [3, 1]);
  });

  it('loses no message that has no queue: it waits in its row, the others go on, and it leaves when there is one', async () => {
    const relay = await startRelay();
    await write([job('elsewhere'), job('work.1'), job('work.2')]);
    relay.wake();
    await eventually(async () => {
      const [row, ...others] = await waiting();
      assert.deepEqual(others, []);
      assert.match(String(row?.last_error), /unroutable: jobs elsewhere/);
    }, SLOW);
    rabbit.declare({
      exchanges: ['jobs'],
      delayed: [],
      queues: [{ name: 'other', bindings: [{ exchange: 'jobs', routingKey: 'elsewhere' }] }],
    });
    await emptied();
  });

  it('keeps a row that names no exchange, without harm to its neighbours', async () => {
    const relay = await startRelay();
    await write([job('work.1', 'nowhere'), job('work.2')]);
    relay.wake();
    await eventually(
      async () =>
        assert.deepEqual(
          (await waiting()).map(({ attempts }) => attempts >= 1),
          [true],
        ),
      SLOW,
    );
    await relay.ping();
  });

  it('keeps a record that Kafka finds too large, and publishes those around it', async () => {
    const relay = await startRelay();
    await write([event('a')]);
    const huge = JSON.stringify('x'.repeat(2_000_000));
    await db.primary.raw(
      `INSERT INTO outbox (transport, type, destination, routing_key, subject, payload)
       VALUES ('kafka', 'step', 'steps', 'huge', 'huge', ?)`,
      [huge],
    );
    await write([event('b')]);
    relay.wake();
    await eventually(async () => {
      const [row, ...others] = await waiting();
      assert.deepEqual([row?.routing_key, others], ['huge', []]);
      assert.ok((row?.attempts ?? 0) >= 1);
    }, SLOW);
  });

  it('is not held up on one broker by the outage of the other, says which, and goes on by itself', async () => {
    const away = newKafka([UNUSED_PORT]);
    const relay = await startRelay({ kafka: away });
    try {
      await write([event('a'), job('work.1')]);
      relay.wake();
      await eventually(
        async () =>
          assert.deepEqual(
            (await waiting()).map((row) => row.routing_key),
            ['a'],
          ),
        SLOW,
      );
      await eventually(() => assert.rejects(relay.ping()), SLOW);
    } finally {
      await relay.stop();
      await away.stop();
    }
    await startRelay();
    await emptied();
  }).timeout(40_000);

  it('refuses to write what no broker would take', async () => {
    await assert.rejects(write([{ ...event('a'), data: 'x'.repeat(1_000_001) }]), RangeError);
    await assert.rejects(write([{ ...event('a'), data: undefined }]), TypeError);
    assert.deepEqual(await waiting(), []);
  });
});
