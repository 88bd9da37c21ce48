import { PaymentServiceDefinition } from '@punctual/contracts/grpc/payment';
import { createCoordination } from '@punctual/coordination';
import { createGrpcServer, type GrpcServer } from '@punctual/grpc';
import { createHttpApp, createVerifier, httpServer, type ReadinessCheck, readServiceDocs } from '@punctual/http';
import { lifecycle, together } from '@punctual/lifecycle';
import { createInboxPruner, createKafka, createRelay } from '@punctual/messaging';
import { type Database, type Direction, migrate, openDatabase, withDatabase } from '@punctual/postgres';
import { createPolicies, createWorkerPool } from '@punctual/resilience';
import { createLogger, createMetrics, type Logger } from '@punctual/telemetry';
import packageJson from '../package.json' with { type: 'json' };
import type { ReachPoint } from './commands/change-payment.ts';
import { createCreatePayment } from './commands/create-payment.ts';
import { createFollowUp } from './commands/follow-up.ts';
import { paymentCounters } from './commands/payment-counters.ts';
import { createProcessPayment } from './commands/process-payment.ts';
import { createReceiveWebhook } from './commands/receive-webhook.ts';
import { createCarryOutRefund, createRefundPayment } from './commands/refund-payment.ts';
import { createSettlePayment } from './commands/settle-payment.ts';
import type { DatabaseConfig, PaymentConfig } from './config.ts';
import { createErrorMap } from './errors.ts';
import { consumeOrderEvents } from './events/order-events.ts';
import { paymentService } from './grpc/payment-service.ts';
import { paymentRoutes } from './http/routes.ts';
import { webhookRoute } from './http/webhooks.ts';
import { createOrderDesk } from './order-desk.ts';
import { protect } from './providers/protect.ts';
import type { PaymentProvider } from './providers/provider.ts';
import { createSandbox } from './providers/sandbox/sandbox.ts';
import { createWebhookSender } from './providers/sandbox/webhooks.ts';
import { createStripe } from './providers/stripe.ts';
import { paymentMigrations } from './store/migrations.ts';
import { createFollowUpLoop } from './timers/follow-up-loop.ts';

const SERVICE = 'payment';
/** Written by this service or read by it; whoever comes first creates them. */
const TOPICS = ['payment', 'order'];
/** How much longer than a call of the provider a second caller waits for the first one's outcome. */
const WAIT_MARGIN_MS = 1_000;
/** Payments followed up side by side: half of the provider's calls are left to customers who wait. */
const FOLLOW_UP_WORKERS = 10;
/** Webhooks sent side by side. */
const WEBHOOK_WORKERS = 10;

/** `api` answers requests, `worker` moves messages and finishes what was left open, `all` is both. */
export type Role = 'api' | 'worker' | 'all';

export type PaymentApp = {
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
  /** For tests: another provider in front of the configured one, and points at which a process dies. */
  wrapProvider?: (provider: PaymentProvider) => PaymentProvider;
  reachPoint?: ReachPoint;
};

/** The composition root: nothing is connected before start(), and no server needs to be there for it. */
export function buildApp(config: PaymentConfig, options: AppOptions): PaymentApp {
  const { role, logger = loggerOf(config), onFatal, wrapProvider = (provider) => provider } = options;
  const reachPoint = options.reachPoint ?? (() => undefined);
  const metrics = createMetrics(SERVICE);
  metrics.processMetrics();
  const db = openDatabase(config, { service: SERVICE, logger, metrics });
  const readiness: ReadinessCheck[] = [{ name: 'postgres', check: () => db.ping() }];
  const components = lifecycle(logger);
  const coordination = createCoordination(config, { service: SERVICE, version: packageJson.version, logger, metrics });
  components.add(coordination);
  components.add({ name: 'postgres', start: async () => undefined, stop: () => db.close() });

  const policies = createPolicies(config, { logger, metrics });
  const provider = protect(
    wrapProvider(providerOf(config, db)),
    {
      timeoutMs: config.PROVIDER_TIMEOUT,
      breakAfter: config.PROVIDER_BREAK_AFTER,
      concurrency: config.PROVIDER_CONCURRENCY,
    },
    policies,
  );
  const counters = paymentCounters(metrics);
  let wakeRelay = (): void => undefined;
  const shared = { db, provider, counters, logger, reachPoint, wakeRelay: () => wakeRelay() };
  const settlePayment = createSettlePayment(shared);
  const carryOutRefund = createCarryOutRefund(shared);

  if (role !== 'api') {
    const kafka = createKafka({
      brokers: config.KAFKA_BROKERS,
      clientId: SERVICE,
      topicPrefix: config.KAFKA_TOPIC_PREFIX,
      logger,
      metrics,
    });
    const relay = createRelay({ db, kafka, logger, metrics, source: '/payment', leaseName: 'payment-relay' });
    wakeRelay = () => relay.wake();
    const followUpPool = createWorkerPool({
      name: 'follow-up',
      workers: FOLLOW_UP_WORKERS,
      queueLimit: 0,
      logger,
      metrics,
    });
    const followUp = createFollowUpLoop({
      followUp: createFollowUp({ ...shared, settlePayment, carryOutRefund, pool: followUpPool }),
      pool: followUpPool,
      intervalMs: config.FOLLOW_UP_INTERVAL,
      logger,
    });
    components.add(kafka);
    components.add({ name: 'topics', start: async () => ensureTopics(), stop: async () => undefined });
    components.add(relay);
    components.add(followUp);
    components.add(createInboxPruner({ db, logger }));
    components.add(consumeOrderEvents({ kafka, db, wakeFollowUp: () => followUp.wake(), onFatal }));
    const { PAYMENT_PROVIDER: name } = config;
    if (name === 'sandbox' && config.WEBHOOK_URL !== undefined && config.SANDBOX_WEBHOOK_SECRET !== undefined) {
      components.add(
        createWebhookSender({
          db,
          url: config.WEBHOOK_URL,
          secret: config.SANDBOX_WEBHOOK_SECRET,
          intervalMs: config.FOLLOW_UP_INTERVAL,
          pool: createWorkerPool({ name: 'webhooks', workers: WEBHOOK_WORKERS, queueLimit: 0, logger, metrics }),
          logger,
        }),
      );
    }
    readiness.push({ name: 'kafka', check: () => kafka.ping() });

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
  const mapError = createErrorMap(() => provider.retryAfterSeconds());
  const routes = [];
  let grpc: GrpcServer | undefined;
  if (role !== 'worker') {
    const { SERVICE_KEY: serviceKey } = config;
    const { resolver } = coordination;
    const orderDesk = createOrderDesk({ resolver, policies, serviceKey, logger, metrics });
    components.add({ name: 'order desk', start: async () => orderDesk.connect(), stop: async () => orderDesk.close() });
    const commands = {
      createPayment: createCreatePayment({ ...shared, orderDesk }),
      processPayment: createProcessPayment({
        ...shared,
        orderDesk,
        settlePayment,
        reconcileAfterMs: config.RECONCILE_AFTER,
        waitMs: config.PROVIDER_TIMEOUT + WAIT_MARGIN_MS,
      }),
      refundPayment: createRefundPayment({ db, orderDesk, carryOutRefund }),
    };
    routes.push(...paymentRoutes({ db, ...commands }));
    grpc = createGrpcServer({
      service: SERVICE,
      host: config.HOST,
      port: config.GRPC_PORT,
      services: [{ definition: PaymentServiceDefinition, implementation: paymentService({ db, ...commands }) }],
      verifier,
      serviceKey,
      mapError,
      logger,
      metrics,
    });
  }
  const extend = role === 'worker' ? undefined : webhookRoute(createReceiveWebhook({ ...shared, settlePayment }));
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
    ...(extend === undefined ? {} : { extend }),
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
  await withDatabase(config, { service: SERVICE, logger }, (db) =>
    migrate(db, paymentMigrations, { direction, logger }),
  );
}

function providerOf(config: PaymentConfig, db: Database): PaymentProvider {
  if (config.PAYMENT_PROVIDER === 'sandbox') {
    return createSandbox({ db, webhookSecret: config.SANDBOX_WEBHOOK_SECRET ?? '' });
  }
  return createStripe({
    secretKey: config.STRIPE_SECRET_KEY ?? '',
    webhookSecret: config.STRIPE_WEBHOOK_SECRET ?? '',
    protocol: config.STRIPE_API_PROTOCOL,
    host: config.STRIPE_API_HOST,
    port: config.STRIPE_API_PORT,
    timeoutMs: config.PROVIDER_TIMEOUT,
  });
}

function loggerOf(config: DatabaseConfig): Logger {
  return createLogger({ service: SERVICE, level: config.LOG_LEVEL });
}
