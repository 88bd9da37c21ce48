/**
 * The whole payment service in process on a free port, with real Postgres and Kafka and a database and topics of its own. The order
 * service is played: by gRPC in play-order-service.ts, and on Kafka by `tell`.
 */
import { randomUUID } from 'node:crypto';
import { Writable } from 'node:stream';
import { loadConfig } from '@punctual/config';
import { type EventData, events, type paymentApi } from '@punctual/contracts';
import { createKafka } from '@punctual/messaging';
import { createDatabase, rows } from '@punctual/postgres';
import { createLogger, createMetrics, silentLogger } from '@punctual/telemetry';
import { servers, TEST_SERVICE_KEY, type TestTokens, testDatabase, testTokens, topicPrefix } from '@punctual/testing';
import { type AppOptions, buildApp } from '../src/app.ts';
import { configSchema } from '../src/config.ts';
import { sign } from '../src/providers/signature.ts';
import { paymentMigrations } from '../src/store/migrations.ts';
import { type PlayedOrder, playOrderService } from './play-order-service.ts';

export const CARDS = {
  approve: '4242424242424242',
  decline: '4000000000000002',
  insufficientFunds: '4000000000009995',
  slow: '4000000000000077',
  lostCaptured: '4000000000000119',
  lostNotCaptured: '4000000000000127',
} as const;
export const WEBHOOK_SECRET = 'a secret of the tests';

export type Answer<T> = {
  status: number;
  headers: Headers;
  data: T;
  error: { code: string; message: string; details: unknown };
  paging: { total_items: number };
};
export type PaymentView = paymentApi.PaymentView;
export type RunningPayment = Awaited<ReturnType<typeof startPayment>>;
export type Customer = Awaited<ReturnType<RunningPayment['customer']>>;
export type Options = Partial<Pick<AppOptions, 'wrapProvider' | 'reachPoint'>> & { env?: Record<string, string> };

/** Nobody is asked over HTTP. */
const NOWHERE = '127.0.0.1:9';

let lastUserId = Math.floor(Math.random() * 1_000_000) + 1;

export function methodOf(number: string): Record<string, unknown> {
  return { type: 'card', number, exp_month: 12, exp_year: 2_090, cvc: '123' };
}

/** Everything around the service: database, topics, tokens, and the configuration that joins them. */
export async function surroundings(label: string) {
  const releases: (() => Promise<unknown>)[] = [];
  const database = await testDatabase(label, paymentMigrations);
  releases.push(() => database.drop());
  const tokens = await testTokens();
  releases.push(() => tokens.stop());
  const orderService = await playOrderService(tokens);
  releases.push(() => orderService.stop());
  const prefix = topicPrefix(label);
  const { kafka } = servers();
  const logger = silentLogger();
  const db = createDatabase({ primaryUrl: database.primaryUrl, applicationName: 'test', logger, poolMax: 4 });
  releases.push(() => db.close());
  const broker = createKafka({
    brokers: kafka.brokers,
    clientId: 'peer',
    topicPrefix: prefix,
    logger,
    metrics: createMetrics('peer'),
  });
  const published: { type: string; orderId: number; data: Record<string, unknown> }[] = [];
  const listener = broker.subscribe({
    groupId: 'peer',
    topics: ['payment'],
    schemas: {
      'payment.success': events['payment.success'].data,
      'payment.failed': events['payment.failed'].data,
      'payment.refunded': events['payment.refunded'].data,
    },
    db,
    onFatal: fail,
    async handle(batch) {
      for (const { type, data } of batch) published.push({ type, orderId: data.order_id, data });
    },
  });
  for (const component of [broker, listener]) {
    await component.start();
    releases.push(() => component.stop());
  }
  const env: Record<string, string> = {
    PORT: '0',
    GRPC_PORT: '0',
    DATABASE_URL: database.primaryUrl,
    DATABASE_REPLICA_URL: database.replicaUrl,
    KAFKA_BROKERS: kafka.brokers.join(','),
    KAFKA_TOPIC_PREFIX: prefix,
    JWKS_URL: tokens.jwksUrl,
    JWT_ISSUER: tokens.issuer,
    JWT_AUDIENCE: tokens.audience,
    SERVICE_ADDRESSES: JSON.stringify({ order: [{ http: NOWHERE, grpc: orderService.address }] }),
    SERVICE_KEY: TEST_SERVICE_KEY,
    PAYMENT_PROVIDER: 'sandbox',
    SANDBOX_WEBHOOK_SECRET: WEBHOOK_SECRET,
    PROVIDER_TIMEOUT: '400ms',
    RECONCILE_AFTER: '800ms',
    FOLLOW_UP_INTERVAL: '100ms',
    PROVIDER_BREAK_AFTER: '50',
    LOG_LEVEL: 'debug',
  };

  return {
    env,
    db,
    tokens,
    orderService,
    query: <T>(sql: string, bindings: Record<string, number | string> = {}) => rows<T>(db.primary, sql, bindings),
    published,
    /** Types of the events about an order, in the order in which they came. */
    eventsOf: (orderId: number) => published.filter((event) => event.orderId === orderId).map(({ type }) => type),
    /** The order service's own events. */
    tell<T extends 'order.created' | 'order.paid' | 'order.completed' | 'order.cancelled' | 'order.refunded'>(
      type: T,
      data: EventData<T>,
      id: string = randomUUID(),
    ) {
      const key = String(data.order_id);
      const time = new Date().toISOString();
      const envelope = { id, type, source: '/order', subject: key, time, data, attempt: 1 };
      return broker.publish([{ topic: 'order', key, envelope }]);
    },
    async stop() {
      for (const release of releases.reverse()) await release();
    },
  };
}

export async function startPayment(label: string, { env = {}, ...options }: Options = {}) {
  const around = await surroundings(label);
  const logs: string[] = [];
  const stream = new Writable({
    write(chunk, _encoding, done) {
      logs.push(String(chunk));
      done();
    },
  });
  const config = loadConfig(configSchema, { ...around.env, ...env });
  const logger = createLogger({ service: 'payment', level: 'debug', stream });
  const app = buildApp(config, { role: 'all', logger, onFatal: fail, ...options });
  await app.start();

  return {
    ...around,
    url: app.url,
    grpcAddress: app.grpcAddress,
    logs,
    customer: (who: { userId?: number; role?: 'customer' | 'admin' } = {}) => clientOf(app.url, around.tokens, who),
    metrics: async () => (await fetch(`${app.url}/metrics`)).text(),
    /** The breakers, as readiness shows them. */
    async dependencies() {
      const answer = (await (await fetch(`${app.url}/health/ready`)).json()) as { data: { dependencies: unknown } };
      return answer.data.dependencies;
    },
    /** As the provider would send it. */
    async webhook(event: unknown, headers: Record<string, string> = {}, at = new Date()) {
      const body = typeof event === 'string' ? event : JSON.stringify(event);
      const response = await fetch(`${app.url}/payments/webhooks/sandbox`, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'punctual-signature': sign(body, WEBHOOK_SECRET, at),
          ...headers,
        },
        body,
      });
      await response.arrayBuffer();
      return response.status;
    },
    async stop() {
      await app.stop();
      await around.stop();
    },
  };
}

export async function clientOf(
  url: string,
  tokens: TestTokens,
  { userId = ++lastUserId, role = 'customer' }: { userId?: number; role?: 'customer' | 'admin' },
) {
  const authorization = `Bearer ${await tokens.token({ userId, role })}`;
  const request = async <T>(method: string, path: string, body?: unknown): Promise<Answer<T>> => {
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        authorization,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
    });
    const parsed = JSON.parse(await response.text()) as Omit<Answer<T>, 'status' | 'headers'>;
    return { status: response.status, headers: response.headers, ...parsed };
  };
  const create = (orderId: number, number: string) =>
    request<PaymentView>('POST', '/payments', { order_id: orderId, method: methodOf(number) });
  return {
    userId,
    /** The header, for a call over gRPC. */
    authorization,
    request,
    create,
    process: (id: number) => request<PaymentView>('POST', `/payments/${id}/process`),
    payment: async (id: number) => (await request<PaymentView>('GET', `/payments/${id}`)).data,
    /** Creates the payment of an order and takes the money. */
    async pay(order: Pick<PlayedOrder, 'id'>, number: string = CARDS.approve) {
      const created = await create(order.id, number);
      if (created.status !== 201) throw new Error(`not created: ${JSON.stringify(created.error)}`);
      return await request<PaymentView>('POST', `/payments/${created.data.id}/process`);
    },
  };
}

function fail(error: Error): never {
  throw error;
}
