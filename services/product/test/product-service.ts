import { randomUUID } from 'node:crypto';
import { loadConfig } from '@punctual/config';
import { type EventData, type EventType, events, type Paging, type productApi } from '@punctual/contracts';
import { createKafka, type Envelope } from '@punctual/messaging';
import { createDatabase, type Database } from '@punctual/postgres';
import { createMetrics, silentLogger } from '@punctual/telemetry';
import {
  eventually,
  servers,
  TEST_SERVICE_KEY,
  type TestEtcd,
  testDatabase,
  testTokens,
  topicPrefix,
} from '@punctual/testing';
import { buildApp } from '../src/app.ts';
import { serviceConfig } from '../src/config.ts';
import { migrations } from '../src/store/migrations.ts';

const ADMIN_ID = 1;
const CUSTOMER_ID = 2;
const READY_WITHIN_MS = 20_000;

/** What the catalog's routes answer, all of it: the assertions say which part an answer must have. */
type Body = {
  data: productApi.ProductView & productApi.ProductView[];
  paging: Paging;
  error: {
    code: string;
    message: string;
    request_id: string;
    details: Record<string, unknown> & { field: string; message: string }[];
  };
};

export type Answer = {
  status: number;
  headers: Headers;
  body: Body;
};

type Call = {
  body?: unknown;
  rawBody?: string;
  headers?: Record<string, string>;
  as?: 'admin' | 'customer' | 'nobody';
};

export type ProductService = {
  db: Database;
  url: string;
  grpcAddress: string;
  call(method: string, path: string, options?: Call): Promise<Answer>;
  /** Puts order events on Kafka, as the order service does. */
  publish<T extends EventType>(...messages: { type: T; data: EventData<T>; id?: string }[]): Promise<void>;
  /** What the service has put on Kafka so far, in the order in which it came. */
  received: Envelope<Record<string, unknown>>[];
  stop(): Promise<void>;
};

/** How the service searches: where OpenSearch is, what stands in front of its indices, and where settings are. */
export type SearchSettings = { url: string; prefix: string; breakerTimeoutMs?: number; etcd?: TestEtcd };

/** The whole service in this process on a free port, with a database, topics and signing keys of its own, through pgpool. */
export async function startProductService(label: string, search?: SearchSettings): Promise<ProductService> {
  const database = await testDatabase(label, migrations);
  const tokens = await testTokens();
  const prefix = topicPrefix(label);
  const { brokers } = servers().kafka;
  const logger = silentLogger();
  const app = buildApp(
    loadConfig(serviceConfig, {
      HOST: '127.0.0.1',
      PORT: '0',
      GRPC_PORT: '0',
      SERVICE_KEY: TEST_SERVICE_KEY,
      DATABASE_URL: database.pgpoolUrl,
      DATABASE_REPLICA_URL: database.pgpoolUrl,
      DATABASE_POOL_MAX: '5',
      KAFKA_BROKERS: brokers.join(','),
      KAFKA_TOPIC_PREFIX: prefix,
      JWKS_URL: tokens.jwksUrl,
      JWT_ISSUER: tokens.issuer,
      JWT_AUDIENCE: tokens.audience,
      LOG_LEVEL: 'silent',
      NODE_ENV: 'test',
      CIRCUIT_BREAKER_MAX_REQUESTS: '1',
      CIRCUIT_BREAKER_INTERVAL: '60s',
      CIRCUIT_BREAKER_TIMEOUT: `${search?.breakerTimeoutMs ?? 30_000}ms`,
      OPENSEARCH_INDEX_PREFIX: search?.prefix,
      // Tests share their processors with others: slow is not away.
      OPENSEARCH_TIMEOUT: '3s',
      OPENSEARCH_URL: search?.url,
      ETCD_ENDPOINTS: search?.etcd?.endpoints.join(','),
      ETCD_PREFIX: search?.etcd?.prefix,
    }),
    {
      role: 'all',
      logger,
      onFatal(error) {
        throw error;
      },
    },
  );
  const db = createDatabase({ primaryUrl: database.primaryUrl, applicationName: 'test', logger });
  const kafka = createKafka({
    brokers,
    clientId: 'order',
    topicPrefix: prefix,
    logger,
    metrics: createMetrics('order'),
  });
  const received: Envelope<Record<string, unknown>>[] = [];
  const observer = kafka.subscribe<Record<string, Record<string, unknown>>>({
    groupId: 'observer',
    topics: ['product', 'stock'],
    schemas: Object.fromEntries(
      Object.entries(events)
        .filter(([, event]) => event.topic === 'product' || event.topic === 'stock')
        .map(([type, event]) => [type, event.data]),
    ),
    async handle(batch) {
      received.push(...batch);
    },
    db,
    onFatal(error) {
      throw error;
    },
  });
  await app.start();
  await observer.start();
  await eventually(() => observer.ping(), { timeoutMs: READY_WITHIN_MS });
  const adminToken = await tokens.token({ userId: ADMIN_ID, role: 'admin' });
  const customerToken = await tokens.token({ userId: CUSTOMER_ID });

  return {
    db,
    url: app.url,
    grpcAddress: app.grpcAddress,
    received,
    async call(method, path, { body, rawBody, headers = {}, as = 'admin' } = {}) {
      const sent = rawBody ?? (body === undefined ? undefined : JSON.stringify(body));
      const response = await fetch(app.url + path, {
        method,
        headers: {
          ...(as === 'nobody' ? {} : { authorization: `Bearer ${as === 'admin' ? adminToken : customerToken}` }),
          ...(sent === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(sent === undefined ? {} : { body: sent }),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) };
    },
    async publish(...messages) {
      await kafka.publish(
        messages.map(({ type, data, id = randomUUID() }) => {
          const key = String('order_id' in data ? data.order_id : 0);
          const envelope = {
            id,
            type,
            source: '/order',
            subject: key,
            time: new Date().toISOString(),
            data,
            attempt: 1,
          };
          return { topic: events[type].topic, key, envelope };
        }),
      );
    },
    async stop() {
      await observer.stop();
      await kafka.close();
      await app.stop();
      await db.close();
      await tokens.stop();
      await database.drop();
    },
  };
}

/** Lets no statement read the catalog, on any server, until the work is done. */
export async function whileLocked({ db }: ProductService, work: () => Promise<void>): Promise<void> {
  await db.transaction(async (tx) => {
    await tx.raw('LOCK TABLE products IN ACCESS EXCLUSIVE MODE');
    // The replica takes the lock when the log of it arrives, which a commit sends off.
    await db.primary.raw(`SELECT pg_logical_emit_message(true, 'locked', '')`);
    await eventually(work);
  });
}

/** Many products at once, without their streams. */
export async function insertProducts({ db }: ProductService, count: number): Promise<void> {
  await db.primary.raw(
    `WITH created AS (
       INSERT INTO products SELECT nextval('product_ids'), 'Rivet ' || n, '', 100, 'USD', 1, 1, now(), now(), NULL
       FROM generate_series(1, CAST(? AS integer)) n RETURNING id)
     INSERT INTO stock SELECT id, 1, 0, 0, 1 FROM created`,
    [count],
  );
}
