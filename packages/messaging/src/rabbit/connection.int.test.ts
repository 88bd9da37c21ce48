import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { createMetrics, silentLogger } from '@punctual/telemetry';
import { eventually, type TcpProxy, type TestVhost, tcpProxy, testVhost } from '@punctual/testing';
import { dueExchange, type Topology } from '../topology.ts';
import { createRabbit, PublishError, type RabbitConnection, type RabbitMessage } from './connection.ts';
import type { RabbitConsumer } from './consumer.ts';

const SLOW = { timeoutMs: 15_000 };
/** Of class 20, method 40: what AMQP says to close a channel. */
const CHANNEL_CLOSE = Buffer.from([0, 20, 0, 40]);
const topology: Topology = {
  exchanges: ['jobs'],
  delayed: [{ name: 'later', strategy: 'ttl', stepsMs: [50], arbitrary: false }],
  queues: [
    { name: 'dead', bindings: [] },
    {
      name: 'work',
      deadLetterQueue: 'dead',
      bindings: ['jobs', dueExchange('later')].map((exchange) => ({ exchange, routingKey: 'work' })),
    },
  ],
};

function message(n: number, to: Partial<RabbitMessage> = {}): RabbitMessage {
  const time = new Date().toISOString();
  const envelope = { id: randomUUID(), type: 'job', source: '/test', subject: 'x', time, data: n, attempt: 1 };
  return { exchange: 'jobs', routingKey: 'work', envelope, ...to };
}

describe('the connection to RabbitMQ', () => {
  let vhost: TestVhost;
  let proxy: TcpProxy;
  let rabbit: RabbitConnection;
  let consumer: RabbitConsumer;
  let seen: number[];

  beforeEach(async () => {
    vhost = await testVhost('connection');
    proxy = await tcpProxy(vhost.url);
    proxy.cut();
    rabbit = createRabbit({ url: proxy.url, name: 'test', logger: silentLogger(), metrics: createMetrics('test') });
    rabbit.declare(topology);
    seen = [];
    consumer = rabbit.consume({
      consumer: 'test',
      queue: 'work',
      deadLetterQueue: 'dead',
      retry: { exchange: 'later', stepsMs: [50] },
      schemas: { job: { parse: Number } },
      async handle(batch) {
        seen.push(...batch.map(({ data }) => data));
      },
    });
  });
  afterEach(async () => {
    await consumer.stop();
    await rabbit.stop();
    await proxy.stop();
    await vhost.drop();
  });

  const published = (n: number) => eventually(() => rabbit.publish([message(n)]), SLOW);
  const arrived = (...numbers: number[]) =>
    eventually(() => assert.deepEqual([...new Set(seen)].sort(), numbers), SLOW);

  it('starts while the broker is away, is not ready, and works as soon as the broker is there', async () => {
    await rabbit.start();
    await consumer.start();
    await assert.rejects(rabbit.ping());
    await assert.rejects(consumer.ping());
    proxy.heal();
    await published(1);
    await arrived(1);
    await rabbit.ping();
    await consumer.ping();
  });

  it('comes back after the connection was cut, again and again', async () => {
    proxy.heal();
    await rabbit.start();
    await consumer.start();
    for (const n of [1, 2, 3]) {
      await published(n);
      await arrived(...[1, 2, 3].slice(0, n));
      proxy.cut();
      await eventually(() => assert.rejects(rabbit.ping()), SLOW);
      proxy.heal();
    }
    await published(4);
    await arrived(1, 2, 3, 4);
  }).timeout(60_000);

  it('stops promptly while the broker is away', async () => {
    proxy.heal();
    await rabbit.start();
    await consumer.start();
    await published(1);
    proxy.cut();
    const startedMs = performance.now();
    await consumer.stop();
    await rabbit.stop();
    assert.ok(performance.now() - startedMs < 3_000);
  });

  it('declares everything anew when the queues were deleted under a consumer', async () => {
    proxy.heal();
    await rabbit.start();
    await consumer.start();
    await published(1);
    await arrived(1);
    await vhost.api('DELETE', `queues/${vhost.name}/work`);
    await published(2);
    await arrived(1, 2);
  });

  it('declares everything anew when the queues were deleted and nobody consumes', async () => {
    proxy.heal();
    await rabbit.start();
    await published(1);
    await vhost.api('DELETE', `queues/${vhost.name}/work`);
    await assert.rejects(rabbit.publish([message(2)]), PublishError);
    await published(3);
    await consumer.start();
    await arrived(3);
  });

  it('tells once of a queue that is gone, though two links find out', async () => {
    let told = 0;
    rabbit.onQueueLost('work', async () => {
      told += 1;
    });
    proxy.heal();
    await rabbit.start();
    await consumer.start();
    await published(1);
    await arrived(1);
    assert.equal(told, 1);
    proxy.cut();
    await eventually(() => assert.rejects(rabbit.ping()), SLOW);
    proxy.heal();
    await published(2);
    await arrived(1, 2);
    assert.equal(told, 1);
    await vhost.wipe();
    await published(3);
    await arrived(1, 2, 3);
    assert.equal(told, 2);
  });

  it('tells again of a queue that is gone when nothing could be done about it', async () => {
    let told = 0;
    rabbit.onQueueLost('work', async () => {
      told += 1;
      if (told < 3) throw new Error('the database is away');
    });
    proxy.heal();
    await rabbit.start();
    await published(1);
    assert.equal(told, 3);
  });

  it('comes back although a connection ended in the middle of what it declared', async () => {
    let deaths = 0;
    const way = await tcpProxy(vhost.url, {
      inspect: ({ reset }) => ({
        toServer(chunk) {
          if (deaths === 0 && chunk.includes(CHANNEL_CLOSE)) {
            deaths += 1;
            reset();
          }
          return chunk;
        },
      }),
    });
    const own = createRabbit({ url: way.url, name: 'own', logger: silentLogger(), metrics: createMetrics('test') });
    own.declare(topology);
    await own.start();
    await eventually(() => own.publish([message(1)]), SLOW);
    assert.equal(deaths, 1);
    await own.stop();
    await way.stop();
  });

  it('tells exactly which messages of a batch had no queue', async () => {
    proxy.heal();
    await rabbit.start();
    const lost = message(1, { routingKey: 'elsewhere' });
    const unknown = message(2, { exchange: 'undeclared' });
    const plainlyDelayed = { ...message(3), envelope: { ...message(3).envelope, dueAt: new Date() } };
    const failing = rabbit.publish([message(4), lost, message(5), unknown, plainlyDelayed, message(6)]);
    await assert.rejects(failing, (error) => {
      assert.ok(error instanceof PublishError);
      assert.deepEqual(
        error.failures,
        [lost, unknown, plainlyDelayed].map((failed) => ({ message: failed, reason: 'unroutable' })),
      );
      return true;
    });
    await consumer.start();
    await arrived(4, 5, 6);
  });
});
