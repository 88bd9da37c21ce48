import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type Order, OrderStatus } from '@punctual/contracts/grpc/order';
import { AppError } from '@punctual/http';
import { createKafka, type KafkaConnection } from '@punctual/messaging';
import { createMetrics, silentLogger } from '@punctual/telemetry';
import { eventually, type GraphqlEvents, openGraphqlEvents, servers, topicPrefix } from '@punctual/testing';
import { metricValue, stopTokens } from './gateway-fixture.ts';
import { type GraphqlFixture, startGraph, tokenOf } from './graphql-fixture.ts';
import { order } from './graphql-world.ts';

const SLOW = { timeoutMs: 20_000 };
const AT = '2026-01-31T10:00:00.000Z';
const DOCUMENT =
  'subscription ($id: ID!) { orderStatusChanged(id: $id) { status fulfillment reason order { status } } }';

type Described = {
  paths: Record<string, { post?: { responses: Record<string, { content?: Record<string, object> }> } }>;
};

describe('the subscription orderStatusChanged', function () {
  this.timeout(40_000);
  let graph: GraphqlFixture;
  let kafka: KafkaConnection;
  let prefix: string;
  let current: Order;
  let opened: GraphqlEvents[];

  beforeEach(() => {
    prefix = topicPrefix('live orders');
    current = order(5);
    opened = [];
    kafka = createKafka({
      brokers: servers().kafka.brokers,
      clientId: 'test',
      topicPrefix: prefix,
      logger: silentLogger(),
      metrics: createMetrics('test'),
    });
  });
  afterEach(async () => {
    for (const events of opened) events.close();
    await graph?.stop();
    await kafka.stop();
  });
  after(stopTokens);

  async function start(env: Readonly<Record<string, string>> = {}): Promise<void> {
    graph = await startGraph(
      {
        async getOrder({ id }: { id: number }, call) {
          const { userId } = await call.caller.identity();
          if (id !== current.id || userId !== current.userId) {
            throw new AppError({ code: 'NOT_FOUND', message: `There is no order ${id}.` });
          }
          return { order: current };
        },
      },
      { KAFKA_BROKERS: servers().kafka.brokers.join(','), KAFKA_TOPIC_PREFIX: prefix, ...env },
    );
  }

  async function subscribe(token: string, id = 5): Promise<GraphqlEvents> {
    const events = await openGraphqlEvents(graph.url, { query: DOCUMENT, variables: { id }, token });
    opened.push(events);
    return events;
  }

  function publish(type: string, data: object, key = '5'): Promise<void> {
    const envelope = { id: randomUUID(), type, source: '/order', subject: key, time: AT, data, attempt: 1 };
    return kafka.publish([{ topic: 'order', key, envelope }]);
  }

  const pay = () => publish('order.paid', { order_id: 5, user_id: 7, total_minor: 10, currency: 'USD', paid_at: AT });

  /** Kafka is followed from the first subscription on: until then the order is only read. */
  async function follows(): Promise<void> {
    await eventually(async () => {
      await publish('order.status_changed', {}, '5');
      assert.ok((await metricValue(graph.gateway.metrics, 'kafka_followed_records_total', { outcome: 'poison' })) > 0);
    }, SLOW);
  }

  const openCount = () => metricValue(graph.gateway.metrics, 'graphql_subscriptions', {});

  it('tells the state as it is, then each change once, and ends when there can be none', async () => {
    await start();
    const events = await subscribe(await tokenOf(7));
    assert.equal(events.status, 200);
    assert.deepEqual(await events.next(), change('PENDING'));
    await follows();
    current = order(5, { status: OrderStatus.PAID });
    await pay();
    assert.deepEqual(await events.next(), change('PAID'));
    await pay();
    await publish('order.status_changed', {
      order_id: 5,
      user_id: 7,
      from: 'unfulfilled',
      to: 'confirmed',
      changed_at: AT,
    });
    assert.deepEqual(await events.next(), change('PAID', { fulfillment: 'CONFIRMED' }));
    current = order(5, { status: OrderStatus.REFUNDED });
    await publish('order.refunded', { order_id: 5, user_id: 7, refunded_at: AT });
    assert.deepEqual(await events.next(), change('REFUNDED', { fulfillment: 'CONFIRMED' }));
    assert.equal(await events.next(), undefined);
    assert.equal(await openCount(), 0);
  });

  it('reads the order anew once Kafka is followed, so that nothing falls in between', async () => {
    await start();
    const events = await subscribe(await tokenOf(7));
    assert.deepEqual(await events.next(), change('PENDING'));
    current = order(5, { status: OrderStatus.CANCELLED, reason: 'OUT_OF_STOCK' });
    assert.deepEqual(await events.next(), change('CANCELLED', { reason: 'OUT_OF_STOCK' }));
    assert.equal(await events.next(), undefined);
  });

  it('is refused without a login and for somebody else’s order, and leaves nothing behind', async () => {
    await start();
    const anonymous = await openGraphqlEvents(graph.url, { query: DOCUMENT, variables: { id: 5 } });
    assert.equal(anonymous.status, 401);
    assert.equal(anonymous.errorCode(await anonymous.nextRaw()), 'UNAUTHENTICATED');
    const stranger = await subscribe(await tokenOf(8));
    assert.equal(stranger.status, 404);
    assert.equal(stranger.errorCode(await stranger.nextRaw()), 'NOT_FOUND');
    assert.equal(await openCount(), 0);
  });

  it('answers as the OpenAPI document says, when it is refused too', async () => {
    await start();
    const { paths } = (await (await fetch(`${graph.url}/openapi.json`)).json()) as Described;
    const body = JSON.stringify({ query: DOCUMENT, variables: { id: 5 } });
    for (const [userId, status] of [
      [7, 200],
      [8, 404],
    ] as const) {
      const leaving = new AbortController();
      const answer = await fetch(`${graph.url}/graphql`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          accept: 'text/event-stream',
          authorization: `Bearer ${await tokenOf(userId)}`,
        },
        body,
        signal: leaving.signal,
      });
      const type = answer.headers.get('content-type') ?? '';
      leaving.abort();
      assert.equal(answer.status, status);
      assert.ok(paths['/graphql']?.post?.responses[status]?.content?.[type], `${status} ${type} is not described`);
    }
  });

  it('is bounded for each client and for the process', async () => {
    await start({ GRAPHQL_SUBSCRIPTIONS_PER_CLIENT: '1', GRAPHQL_SUBSCRIPTIONS: '1' });
    const token = await tokenOf(7);
    const first = await subscribe(token);
    await first.next();
    const second = await subscribe(token);
    assert.equal(second.status, 503);
    first.close();
    await eventually(async () => assert.equal(await openCount(), 0));
    await graph.stop();
    await start({ GRAPHQL_SUBSCRIPTIONS_PER_CLIENT: '1' });
    await (await subscribe(token)).next();
    const beyond = await subscribe(token);
    assert.equal(beyond.status, 429);
    assert.equal(beyond.errorCode(await beyond.nextRaw()), 'RATE_LIMITED');
  });

  it('ends when the token does', async () => {
    await start();
    const events = await subscribe(await tokenOf(7, 'customer', 2));
    assert.deepEqual(await events.next(), change('PENDING'));
    assert.equal(await events.next(), undefined);
    assert.equal(await openCount(), 0);
  });

  it('is completed when the gateway stops, which takes no time', async () => {
    await start();
    const events = await subscribe(await tokenOf(7));
    await events.next();
    const startedMs = performance.now();
    const stopping = graph.gateway.stop();
    assert.equal(await events.next(), undefined);
    await stopping;
    assert.ok(performance.now() - startedMs < 8_000, `took ${performance.now() - startedMs} ms`);
  });

  it('needs a client that takes server-sent events', async () => {
    await start();
    const answer = await graph.ask(DOCUMENT, { variables: { id: 5 }, token: await tokenOf(7) });
    assert.equal(answer.status, 406);
    await eventually(async () => assert.equal(await openCount(), 0));
  });

  function change(status: string, fields: { fulfillment?: string; reason?: string } = {}) {
    return { status, fulfillment: 'UNFULFILLED', reason: null, order: { status: orderStatus() }, ...fields };
  }

  function orderStatus(): string {
    return current.status.replace('ORDER_STATUS_', '');
  }
});
