import { scaleTime } from '@punctual/config';
import { OrderServiceDefinition } from '@punctual/contracts/grpc/order';
import { ProductServiceDefinition } from '@punctual/contracts/grpc/product';
import { createCoordination, ORDER_TIMERS, type OrderTimers } from '@punctual/coordination';
import { createGrpcClient, createGrpcServer, type GrpcServer, judgeCall } from '@punctual/grpc';
import { createHttpApp, createVerifier, httpServer, type ReadinessCheck, readServiceDocs } from '@punctual/http';
import { lifecycle, together } from '@punctual/lifecycle';
import { createInboxPruner, createKafka, createRabbit, createRelay, shopTopology } from '@punctual/messaging';
import { type Direction, migrate, openDatabase, withDatabase } from '@punctual/postgres';
import { createPolicies } from '@punctual/resilience';
import { createLogger, createMetrics, type Logger } from '@punctual/telemetry';
import packageJson from '../package.json' with { type: 'json' };
import { createCancelOrder, createChangeStatus, createRefundOrder } from './commands/decide-order.ts';
import { createFireDueTimers } from './commands/fire-due-timers.ts';
import { createPayOrder } from './commands/pay-order.ts';
import { createPlaceOrder } from './commands/place-order.ts';
import { createRequestLocks } from './commands/request-lock.ts';
import { createSweepTimers } from './commands/sweep-timers.ts';
import type { DatabaseConfig, OrderConfig } from './config.ts';
import { mapError } from './errors.ts';
import { consumePaymentEvents } from './events/payment-events.ts';
import { consumeProductEvents } from './events/product-events.ts';
import { consumeStockEvents } from './events/stock-events.ts';
import { orderService } from './grpc/order-service.ts';
import { orderRoutes } from './http/routes.ts';
import { createPaymentDesk } from './payment-desk.ts';
import { createProductCatalog } from './product-catalog.ts';
import { orderMigrations } from './store/migrations/index.ts';
import { consumeDueTimers, TIMER_RETRY_STEPS_MS } from './timers/due-timers.ts';
import { createSweeper } from './timers/sweeper.ts';

const SERVICE = 'order';
/** Written by this service or read by it; whoever comes first creates them. */
const TOPICS = ['order', 'stock', 'product', 'payment'];

/** Of one question to the product service, its attempts included. */
const PRODUCT_TIMEOUT_MS = 1_000;
/** Questions to it at a time; as many again wait. */
const PRODUCT_CONCURRENCY = 64;

/** `api` answers requests, `worker` moves messages and timers (and answers health and metrics), `all` is both. */
export type Role = 'api' | 'worker' | 'all';

export type OrderApp = {
  start(): Promise<void>;
  stop(): Promise<void>;
  readonly url: string;
  /** `host:port`; empty in a worker, which answers no calls. */
  readonly grpcAddress: string;
};

export type AppOptions = {
  role: Role;
  logger?: Logger;
  /** A consumer died for good: the process must end, so that its supervisor starts it anew. */
  onFatal(error: Error): void;
};

/** The composition root: nothing is connected before start(), and no server needs to be there for it. */
export function buildApp(config: OrderConfig, { role, logger = loggerOf(config), onFatal }: AppOptions): OrderApp {
  const metrics = createMetrics(SERVICE);
  metrics.processMetrics();
  const db = openDatabase(config, { service: SERVICE, logger, metrics });
  const readiness: ReadinessCheck[] = [{ name: 'postgres', check: () => db.ping() }];
  const components = lifecycle(logger);
  const coordination = createCoordination(config, { service: SERVICE, version: packageJson.version, logger, metrics });
  components.add(coordination);
  components.add({ name: 'postgres', start: async () => undefined, stop: () => db.close() });

  const policies = createPolicies(config, { logger, metrics });
  const scaled = ({ remindersMs, expiryMs }: OrderTimers) => ({
    remindersMs: remindersMs.map((delayMs) => scaleTime(delayMs, config.TIME_SCALE)),
    expiryMs: scaleTime(expiryMs, config.TIME_SCALE),
  });
  const schedule = scaled({ remindersMs: config.ORDER_REMINDERS, expiryMs: config.ORDER_EXPIRY });
  const timers = coordination.settings.follow(ORDER_TIMERS);
  let wakeRelay = (): void => undefined;
  const shared = { db, metrics, wakeRelay: () => wakeRelay() };
  const fireDueTimers = createFireDueTimers({ ...shared, timeScale: config.TIME_SCALE });

  if (role !== 'api') {
    const kafka = createKafka({
      brokers: config.KAFKA_BROKERS,
      clientId: SERVICE,
      topicPrefix: config.KAFKA_TOPIC_PREFIX,
      logger,
      metrics,
    });
    const rabbit = createRabbit({ url: config.RABBITMQ_URL, name: SERVICE, logger, metrics });
    rabbit.declare(
      shopTopology({
        delayStrategy: config.DELAY_STRATEGY,
        orderTimerStepsMs: [...schedule.remindersMs, schedule.expiryMs, ...TIMER_RETRY_STEPS_MS],
      }),
    );
    const relay = createRelay({
      db,
      kafka,
      rabbit,
      logger,
      metrics,
      source: '/order',
      leaseName: 'order-relay',
      receiptWaitMs: config.RECEIPT_WAIT,
    });
    wakeRelay = () => relay.wake();
    const stockEvents = consumeStockEvents({ ...shared, kafka, onFatal });
    const productEvents = consumeProductEvents({ kafka, db, onFatal });
    const paymentEvents = consumePaymentEvents({ ...shared, kafka, onFatal });
    const dueTimers = consumeDueTimers({ rabbit, db, fireDueTimers });
    const sweepTimers = createSweepTimers({ db, fireDueTimers, graceMs: config.SWEEP_GRACE, metrics });

    components.add(kafka);
    components.add(rabbit);
    components.add({ name: 'topics', start: async () => ensureTopics(), stop: async () => undefined });
    components.add(relay);
    components.add(createSweeper({ db, sweepTimers, intervalMs: config.SWEEP_INTERVAL, logger }));
    components.add(createInboxPruner({ db, logger }));
    for (const consumer of [stockEvents, productEvents, paymentEvents, dueTimers]) components.add(consumer);
    readiness.push({ name: 'kafka', check: () => kafka.ping() }, { name: 'rabbitmq', check: () => dueTimers.ping() });

    /** In the background: a service starts in any order, and the wait for a broker is without end. */
    function ensureTopics(): void {
      kafka.ensureTopics(TOPICS).catch((error: unknown) => logger.warn('topics were not ensured', { error }));
    }
  }

  const verifier = createVerifier({
    jwksUrl: config.JWKS_URL,
    issuer: config.JWT_ISSUER,
    audience: config.JWT_AUDIENCE,
    logger,
  });
  const routes = [];
  let grpc: GrpcServer | undefined;
  if (role !== 'worker') {
    const locks = createRequestLocks({
      nodes: config.REDIS_NODES,
      keyPrefix: config.KAFKA_TOPIC_PREFIX,
      policies,
      logger,
      metrics,
    });
    const { SERVICE_KEY: serviceKey } = config;
    const { resolver } = coordination;
    const product = createGrpcClient({
      definition: ProductServiceDefinition,
      service: 'product',
      from: SERVICE,
      resolver,
      policy: policies.create('product', {
        timeoutMs: PRODUCT_TIMEOUT_MS,
        concurrency: PRODUCT_CONCURRENCY,
        judge: judgeCall,
      }),
      serviceKey,
      timeoutMs: PRODUCT_TIMEOUT_MS,
      logger,
      metrics,
    });
    const paymentDesk = createPaymentDesk({ resolver, policies, serviceKey, logger, metrics });
    components.add(locks);
    components.add({
      name: 'payment desk',
      start: async () => paymentDesk.connect(),
      stop: async () => paymentDesk.close(),
    });
    components.add({ name: 'product client', start: async () => product.connect(), stop: async () => product.close() });
    const commands = {
      placeOrder: createPlaceOrder({
        ...shared,
        locks,
        catalog: createProductCatalog({ calls: product.calls, logger }),
        rules: () => ({
          ...(timers.current === undefined ? schedule : scaled(timers.current)),
          maxOpen: config.ORDER_MAX_OPEN || null,
        }),
      }),
      payOrder: createPayOrder({
        ...shared,
        paymentDesk,
        paysWithTestCard: config.PAY_WITH_TEST_CARD,
        fireDueTimers,
      }),
      cancelOrder: createCancelOrder(shared),
      changeStatus: createChangeStatus(shared),
      refundOrder: createRefundOrder(shared),
    };
    routes.push(...orderRoutes({ db, ...commands }));
    grpc = createGrpcServer({
      service: SERVICE,
      host: config.HOST,
      port: config.GRPC_PORT,
      services: [{ definition: OrderServiceDefinition, implementation: orderService({ db, ...commands }) }],
      verifier,
      serviceKey,
      mapError,
      logger,
      metrics,
    });
  }
  const http = createHttpApp({
    service: SERVICE,
    logger,
    metrics,
    verifier,
    routes,
    readiness,
    dependencies: policies.states,
    mapError,
    docs: readServiceDocs(SERVICE),
  });
  const server = httpServer({ app: http, host: config.HOST, port: config.PORT, logger });
  components.add(together('servers', grpc === undefined ? [server] : [grpc, server]));
  if (role !== 'worker')
    components.add(coordination.registration({ http: () => server.port, grpc: () => grpc?.address }));
  return {
    start: () => components.start(),
    stop: () => components.stop(),
    get url() {
      return server.url;
    },
    get grpcAddress() {
      return grpc?.address ?? '';
    },
  };
}

/** Brings the database's schema up to date, or takes the last step back. */
export async function migrateDatabase(config: DatabaseConfig, direction: Direction): Promise<void> {
  const logger = loggerOf(config);
  await withDatabase(config, { service: SERVICE, logger }, (db) => migrate(db, orderMigrations, { direction, logger }));
}

function loggerOf(config: DatabaseConfig): Logger {
  return createLogger({ service: SERVICE, level: config.LOG_LEVEL });
}
