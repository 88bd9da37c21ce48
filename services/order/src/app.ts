import { scaleTime } from '@punctual/config';
import { createHttpApp, createVerifier, httpServer, type ReadinessCheck } from '@punctual/http';
import { lifecycle } from '@punctual/lifecycle';
import { createInboxPruner, createKafka, createRabbit, createRelay, shopTopology } from '@punctual/messaging';
import { type Direction, migrate, openDatabase, withDatabase } from '@punctual/postgres';
import { createLogger, createMetrics, type Logger } from '@punctual/telemetry';
import { createCancelOrder, createChangeStatus, createRefundOrder } from './commands/decide-order.ts';
import { createFireDueTimers } from './commands/fire-due-timers.ts';
import { createPayOrder } from './commands/pay-order.ts';
import { createPlaceOrder } from './commands/place-order.ts';
import { createRequestLocks } from './commands/request-lock.ts';
import { createSweepTimers } from './commands/sweep-timers.ts';
import type { DatabaseConfig, OrderConfig } from './config.ts';
import { consumePaymentEvents } from './events/payment-events.ts';
import { consumeProductEvents } from './events/product-events.ts';
import { consumeStockEvents } from './events/stock-events.ts';
import { toHttpError } from './http/errors.ts';
import { orderRoutes } from './http/routes.ts';
import { createPaymentDesk } from './payment-desk.ts';
import { createProductCatalog } from './product-catalog.ts';
import { orderMigrations } from './store/migrations/index.ts';
import { consumeDueTimers, TIMER_RETRY_STEPS_MS } from './timers/due-timers.ts';
import { createSweeper } from './timers/sweeper.ts';

const SERVICE = 'order';
/** Written by this service or read by it; whoever comes first creates them. */
const TOPICS = ['order', 'stock', 'product', 'payment'];

/** `api` answers requests, `worker` moves messages and timers (and answers health and metrics), `all` is both. */
export type Role = 'api' | 'worker' | 'all';

export type OrderApp = { start(): Promise<void>; stop(): Promise<void>; readonly url: string };

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
  components.add({ name: 'postgres', start: async () => undefined, stop: () => db.close() });

  const schedule = {
    remindersMs: config.ORDER_REMINDERS.map((delayMs) => scaleTime(delayMs, config.TIME_SCALE)),
    expiryMs: scaleTime(config.ORDER_EXPIRY, config.TIME_SCALE),
  };
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

  const routes = [];
  if (role !== 'worker') {
    const locks = createRequestLocks({
      nodes: config.REDIS_NODES,
      keyPrefix: config.KAFKA_TOPIC_PREFIX,
      logger,
      metrics,
    });
    const catalog = createProductCatalog(config.PRODUCT_URL);
    const paymentDesk = createPaymentDesk(config.PAYMENT_URL);
    components.add(locks);
    components.add({ name: 'payment desk', start: async () => undefined, stop: () => paymentDesk.close() });
    components.add({ name: 'product catalog', start: async () => undefined, stop: () => catalog.close() });
    routes.push(
      ...orderRoutes({
        db,
        placeOrder: createPlaceOrder({
          ...shared,
          locks,
          catalog,
          rules: { ...schedule, maxOpen: config.ORDER_MAX_OPEN || null },
        }),
        payOrder: createPayOrder({ ...shared, paymentDesk, fireDueTimers }),
        paysWithTestCard: config.PAY_WITH_TEST_CARD,
        cancelOrder: createCancelOrder(shared),
        changeStatus: createChangeStatus(shared),
        refundOrder: createRefundOrder(shared),
      }),
    );
  }
  const verifier = createVerifier({
    jwksUrl: config.JWKS_URL,
    issuer: config.JWT_ISSUER,
    audience: config.JWT_AUDIENCE,
    logger,
  });
  const http = createHttpApp({ service: SERVICE, logger, metrics, verifier, routes, readiness, mapError: toHttpError });
  const server = httpServer({ app: http, host: config.HOST, port: config.PORT, logger });
  components.add(server);
  return {
    start: () => components.start(),
    stop: () => components.stop(),
    get url() {
      return server.url;
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
