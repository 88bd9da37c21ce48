/**
 * The whole order service in process on a free port, with real servers and a database, vhost and topics of its own. The
 * product service is played: its gRPC answers come from `products`, and its answers to order.created from `stockPolicy`.
 */
import { randomUUID } from 'node:crypto';
import { loadConfig } from '@punctual/config';
import { events, type MailJobType, mailJobs, type OrderCreated, orderApi } from '@punctual/contracts';
import {
  createKafka,
  createRabbit,
  createReceipts,
  MAIL_DEAD,
  MAIL_QUEUE,
  MAIL_RETRY,
  shopTopology,
} from '@punctual/messaging';
import { createDatabase, type Database, rows } from '@punctual/postgres';
import { createMetrics, silentLogger } from '@punctual/telemetry';
import {
  servers,
  TEST_SERVICE_KEY,
  type TestTokens,
  testDatabase,
  testTokens,
  testVhost,
  topicPrefix,
} from '@punctual/testing';
import { buildApp, type Role } from '../src/app.ts';
import { configSchema } from '../src/config.ts';
import { orderMigrations } from '../src/store/migrations/index.ts';
import { playPaymentService } from './play-payment-service.ts';
import { playProductService } from './play-product-service.ts';

export type StockPolicy = 'reserve' | 'reject' | 'silent';
export type Published = { type: string; subject: string; data: Record<string, unknown> };
export type Answer<T> = {
  status: number;
  headers: Headers;
  text: string;
  data: T;
  error: AnsweredError;
  paging: unknown;
};
export type AnsweredError = { code: string; message: string; details: unknown };

export type Customer = {
  readonly userId: number;
  readonly email: string;
  /** The header, for a call over gRPC. */
  readonly authorization: string;
  request<T>(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer<T>>;
  place(items: { product_id: number; quantity: number }[], requestId?: string): Promise<Answer<orderApi.OrderView>>;
  order(id: number): Promise<orderApi.OrderView>;
};

export type RunningOrder = Awaited<ReturnType<typeof startOrder>>;

/** Nobody is asked over HTTP. */
const NOWHERE = '127.0.0.1:9';

let lastUserId = Math.floor(Math.random() * 1_000_000) + 1;

/** With several roles several apps run, as in several processes; requests go to the first. */
export async function startOrder(label: string, env: Record<string, string> = {}, roles: readonly Role[] = ['all']) {
  const releases: (() => Promise<unknown>)[] = [];
  const database = await testDatabase(label, orderMigrations);
  releases.push(() => database.drop());
  const vhost = await testVhost(label);
  releases.push(() => vhost.drop());
  const tokens = await testTokens();
  releases.push(() => tokens.stop());
  const productService = await playProductService(tokens);
  releases.push(() => productService.stop());
  const paymentService = await playPaymentService(tokens);
  releases.push(() => paymentService.stop());
  const prefix = topicPrefix(label);
  const { kafka, redis } = servers();
  const logger = silentLogger();

  const config = loadConfig(configSchema, {
    PORT: '0',
    GRPC_PORT: '0',
    DATABASE_URL: database.primaryUrl,
    DATABASE_REPLICA_URL: database.replicaUrl,
    KAFKA_BROKERS: kafka.brokers.join(','),
    KAFKA_TOPIC_PREFIX: prefix,
    RABBITMQ_URL: vhost.url,
    DELAY_STRATEGY: 'ttl',
    REDIS_NODES: redis.nodes.map(({ host, port }) => `${host}:${port}`).join(','),
    JWKS_URL: tokens.jwksUrl,
    JWT_ISSUER: tokens.issuer,
    JWT_AUDIENCE: tokens.audience,
    SERVICE_ADDRESSES: JSON.stringify({
      product: [{ http: NOWHERE, grpc: productService.address }],
      payment: [{ http: NOWHERE, grpc: paymentService.address }],
    }),
    SERVICE_KEY: TEST_SERVICE_KEY,
    PAY_WITH_TEST_CARD: 'true',
    NODE_ENV: 'test',
    ...env,
  });
  const db = createDatabase({ primaryUrl: database.primaryUrl, applicationName: 'test', logger, poolMax: 4 });
  releases.push(() => db.close());
  const peer = startPeer({ db, brokers: kafka.brokers, prefix, rabbitUrl: vhost.url });
  await peer.start();
  releases.push(() => peer.stop());
  const apps = roles.map((role) =>
    buildApp(config, {
      role,
      logger,
      onFatal: (error) => {
        throw error;
      },
    }),
  );
  for (const app of apps) {
    await app.start();
    releases.push(() => app.stop());
  }
  const url = apps[0]?.url ?? '';

  return {
    topicPrefix: prefix,
    url,
    grpcAddress: apps[0]?.grpcAddress ?? '',
    tokens,
    db,
    vhost: {
      /** As if the broker had lost all its data. */
      drop: () => vhost.drop(),
      async restore() {
        await vhost.api('PUT', `vhosts/${vhost.name}`, {});
        const rights = { configure: '.*', write: '.*', read: '.*' };
        await vhost.api('PUT', `permissions/${vhost.name}/${encodeURIComponent(servers().rabbit.user)}`, rights);
      },
    },
    productService,
    paymentService,
    ...peer,
    customer: (options: { userId?: number; role?: 'customer' | 'admin' } = {}) => createCustomer(url, tokens, options),
    query: <T>(sql: string, bindings: Record<string, number | string> = {}) => rows<T>(db.primary, sql, bindings),
    metrics: async () => (await fetch(`${url}/metrics`)).text(),
    async stop() {
      for (const release of releases.reverse()) await release();
    },
  };
}

async function createCustomer(
  url: string,
  tokens: TestTokens,
  { userId = ++lastUserId, role = 'customer' }: { userId?: number; role?: 'customer' | 'admin' },
): Promise<Customer> {
  const email = `user-${userId}@punctual.test`;
  const authorization = `Bearer ${await tokens.token({ userId, email, role })}`;
  const request = async <T>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await response.text();
    const parsed = JSON.parse(text) as { data: T; error: AnsweredError; paging: unknown };
    return { status: response.status, headers: response.headers, text, ...parsed };
  };
  return {
    userId,
    email,
    authorization,
    request,
    place: (items, requestId = randomUUID()) =>
      request('POST', '/orders', { request_id: requestId, shipping_address: '1 Test Street', items }),
    order: async (id) => orderApi.order.parse((await request('GET', `/orders/${id}`)).data),
  };
}

type PeerOptions = { db: Database; brokers: readonly string[]; prefix: string; rabbitUrl: string };

/** The rest of the shop: hears what the order service tells, and answers for product's stock. */
function startPeer({ db, brokers, prefix, rabbitUrl }: PeerOptions) {
  const logger = silentLogger();
  const metrics = createMetrics('peer');
  const published: Published[] = [];
  const mails: Published[] = [];
  const mailIds = new Set<string>();
  const mailReceipts = { given: true };
  const stock: { policy: StockPolicy } = { policy: 'reserve' };
  const kafka = createKafka({ brokers, clientId: 'peer', topicPrefix: prefix, logger, metrics });
  const rabbit = createRabbit({ url: rabbitUrl, name: 'peer', logger, metrics });
  rabbit.declare(shopTopology({ delayStrategy: 'ttl', mailRetryStepsMs: [1_000] }));

  const publish = (
    topic: 'stock' | 'product' | 'payment',
    type: string,
    key: number,
    data: unknown,
    id: string = randomUUID(),
  ) => {
    const time = new Date().toISOString();
    const envelope = { id, type, source: '/peer', subject: String(key), time, data, attempt: 1 };
    return kafka.publish([{ topic, key: String(key), envelope }]);
  };
  const answerStock = (order: OrderCreated) => {
    const at = new Date().toISOString();
    const about = { order_id: order.order_id, levels: [] };
    if (stock.policy === 'reserve')
      return publish('stock', 'stock.reserved', order.order_id, { ...about, reserved_at: at });
    if (stock.policy === 'silent') return Promise.resolve();
    return publish('stock', 'stock.rejected', order.order_id, { ...about, missing: [], rejected_at: at });
  };
  const orderEvents = kafka.subscribe({
    groupId: 'peer',
    topics: ['order'],
    schemas: {
      'order.created': events['order.created'].data,
      'order.paid': events['order.paid'].data,
      'order.completed': events['order.completed'].data,
      'order.cancelled': events['order.cancelled'].data,
      'order.refunded': events['order.refunded'].data,
      'order.status_changed': events['order.status_changed'].data,
    },
    db,
    onFatal: (error) => {
      throw error;
    },
    async handle(batch) {
      for (const event of batch) {
        published.push({ type: event.type, subject: event.subject, data: event.data });
        if (event.type === 'order.created') await answerStock(event.data);
      }
    },
  });
  const receipts = createReceipts({ rabbit, logger, source: '/peer', intervalMs: 50 });
  const mailJobsConsumer = rabbit.consume({
    consumer: 'peer-mail',
    queue: MAIL_QUEUE,
    deadLetterQueue: MAIL_DEAD,
    retry: { exchange: MAIL_RETRY, stepsMs: [1_000] },
    schemas: mailJobs,
    async handle(batch) {
      for (const { id, type, subject, data } of batch) {
        if (!mailIds.has(id)) mails.push({ type, subject, data });
        mailIds.add(id);
      }
    },
    receipts: {
      add(message) {
        if (mailReceipts.given) receipts.add(message);
      },
    },
  });
  const components = [kafka, rabbit, receipts, orderEvents, mailJobsConsumer];
  return {
    stock,
    /** Whether the mail service says of jobs that it has finished with them; else they are as good as lost on the way. */
    mailReceipts,
    publish,
    /** Types of the events about an order, in the order in which they came. */
    eventsOf: (orderId: number) =>
      published.filter((event) => event.subject === String(orderId)).map(({ type }) => type),
    mailsOf: (orderId: number, type?: MailJobType) =>
      mails.filter((mail) => mail.subject === String(orderId) && (type === undefined || mail.type === type)),
    async start() {
      for (const component of components) await component.start();
    },
    async stop() {
      for (const component of [...components].reverse()) await component.stop();
    },
  };
}
