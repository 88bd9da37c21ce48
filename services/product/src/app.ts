import { createHttpApp, createVerifier, httpServer, type ReadinessCheck } from '@punctual/http';
import { lifecycle } from '@punctual/lifecycle';
import { createInboxPruner, createKafka, createRelay } from '@punctual/messaging';
import { type Direction, migrate, openDatabase, withDatabase } from '@punctual/postgres';
import { createLogger, createMetrics, type Logger, type Metrics } from '@punctual/telemetry';
import { createCatalog } from './commands/catalog.ts';
import { type RebuildResult, rebuildProjection } from './commands/rebuild-projection.ts';
import { seedCatalog } from './commands/seed-catalog.ts';
import { createOrderSettler } from './commands/settle-orders.ts';
import type { DatabaseOnlyConfig, ServiceConfig } from './config.ts';
import { subscribeToOrders } from './events/orders.ts';
import { refusalAnswer } from './http/refusals.ts';
import { productRoutes } from './http/routes.ts';
import { migrations } from './store/migrations.ts';

const SERVICE = 'product';

/** `api` answers requests, `worker` settles orders and publishes events, `all` does both in one process. */
export type Role = 'api' | 'worker' | 'all';

export type AppOptions = {
  role: Role;
  /** Called when a consumer has died for good: end the process. */
  onFatal: (error: Error) => void;
  logger?: Logger;
  metrics?: Metrics;
  clock?: () => Date;
};

export type App = { start(): Promise<void>; stop(): Promise<void>; readonly url: string };

/** Wires the service. Nothing is connected before `start`, which needs no server to be there. */
export function buildApp(config: ServiceConfig, options: AppOptions): App {
  const { role, onFatal, clock = () => new Date() } = options;
  const logger = options.logger ?? loggerOf(config);
  const metrics = options.metrics ?? createMetrics(SERVICE);
  metrics.processMetrics();
  const db = openDatabase(config, { service: SERVICE, logger, metrics });
  const components = lifecycle(logger);
  const readiness: ReadinessCheck[] = [{ name: 'postgres', check: () => db.ping() }];
  components.add({ name: 'postgres', start: async () => undefined, stop: () => db.close() });

  let wake = (): void => undefined;
  if (role !== 'api') {
    const kafka = createKafka({
      brokers: config.KAFKA_BROKERS,
      clientId: SERVICE,
      topicPrefix: config.KAFKA_TOPIC_PREFIX,
      logger,
      metrics,
    });
    const relay = createRelay({ db, kafka, logger, metrics, source: `/${SERVICE}`, leaseName: `${SERVICE}-relay` });
    wake = () => relay.wake();
    const settle = createOrderSettler({ db, metrics, clock, wake });
    const orders = subscribeToOrders({ kafka, db, settle, onFatal });
    readiness.push(
      { name: 'kafka', check: () => kafka.ping() },
      { name: 'order events', check: () => orders.ping() },
      { name: 'relay', check: () => relay.ping() },
    );
    components.add(kafka);
    components.add(relay);
    components.add(createInboxPruner({ db, logger }));
    components.add(orders);
  }

  const catalog = createCatalog({ db, metrics, clock, wake: () => wake() });
  const verifier = createVerifier({
    jwksUrl: config.JWKS_URL,
    issuer: config.JWT_ISSUER,
    audience: config.JWT_AUDIENCE,
    logger,
  });
  const app = createHttpApp({
    service: SERVICE,
    logger,
    metrics,
    verifier,
    routes: role === 'worker' ? [] : productRoutes({ db, catalog }),
    readiness,
    mapError: refusalAnswer,
  });
  const server = httpServer({ app, host: config.HOST, port: config.PORT, logger });
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
export async function migrateDatabase(config: DatabaseOnlyConfig, direction: Direction): Promise<void> {
  const logger = loggerOf(config);
  await withDatabase(config, { service: SERVICE, logger }, (db) => migrate(db, migrations, { direction, logger }));
}

/** Creates the demonstration catalog where it is missing; its events leave with the next relay that runs. */
export async function seed(config: DatabaseOnlyConfig): Promise<number> {
  return await withDatabase(config, { service: SERVICE, logger: loggerOf(config) }, (db) =>
    seedCatalog(createCatalog({ db, metrics: createMetrics(SERVICE), clock: () => new Date(), wake: () => undefined })),
  );
}

export async function rebuild(
  config: DatabaseOnlyConfig,
  options: { checkOnly: boolean; report: (line: string) => void },
): Promise<RebuildResult> {
  const logger = loggerOf(config);
  return await withDatabase(config, { service: SERVICE, logger }, (db) =>
    rebuildProjection({ db, logger, ...options }),
  );
}

function loggerOf(config: DatabaseOnlyConfig): Logger {
  return createLogger({ service: SERVICE, level: config.LOG_LEVEL });
}
