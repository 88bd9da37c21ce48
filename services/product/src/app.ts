import { ProductServiceDefinition } from '@punctual/contracts/grpc/product';
import { createCoordination, SEARCH_OPENSEARCH } from '@punctual/coordination';
import { createGrpcServer } from '@punctual/grpc';
import { createHttpApp, createVerifier, httpServer, type ReadinessCheck, readServiceDocs } from '@punctual/http';
import { lifecycle, together } from '@punctual/lifecycle';
import { createInboxPruner, createKafka, createRelay } from '@punctual/messaging';
import { type Direction, migrate, openDatabase, withDatabase } from '@punctual/postgres';
import { createPolicies, type Policies } from '@punctual/resilience';
import { createLogger, createMetrics, type Logger, type Metrics } from '@punctual/telemetry';
import packageJson from '../package.json' with { type: 'json' };
import { createCatalog } from './commands/catalog.ts';
import { createProductIndexer } from './commands/index-products.ts';
import { type RebuildResult, rebuildProjection } from './commands/rebuild-projection.ts';
import { checkIndex, type ReindexResult, reindexCatalog } from './commands/reindex-catalog.ts';
import { seedCatalog } from './commands/seed-catalog.ts';
import { createOrderSettler } from './commands/settle-orders.ts';
import type { DatabaseOnlyConfig, ReindexConfig, SearchIndexConfig, ServiceConfig } from './config.ts';
import { subscribeToCatalogChanges } from './events/catalog-changes.ts';
import { subscribeToOrders } from './events/orders.ts';
import { productCalls } from './grpc/product-calls.ts';
import { refusalAnswer } from './http/refusals.ts';
import { productRoutes } from './http/routes.ts';
import { createCatalogSearch } from './queries/search-catalog.ts';
import { type CatalogIndex, createCatalogIndex } from './search/catalog-index.ts';
import { createCatalogSearcher } from './search/catalog-searcher.ts';
import { type Connection, connectOpenSearch, SearchRefused } from './search/connection.ts';
import { migrations } from './store/migrations.ts';
import { createSearchIndexKeeper } from './timers/search-index-keeper.ts';

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

export type App = { start(): Promise<void>; stop(): Promise<void>; readonly url: string; readonly grpcAddress: string };

/** Wires the service. Nothing is connected before `start`, which needs no server to be there. */
export function buildApp(config: ServiceConfig, options: AppOptions): App {
  const { role, onFatal, clock = () => new Date() } = options;
  const logger = options.logger ?? loggerOf(config);
  const metrics = options.metrics ?? createMetrics(SERVICE);
  metrics.processMetrics();
  const db = openDatabase(config, { service: SERVICE, logger, metrics });
  const components = lifecycle(logger);
  const coordination = createCoordination(config, { service: SERVICE, version: packageJson.version, logger, metrics });
  components.add(coordination);
  const readiness: ReadinessCheck[] = [{ name: 'postgres', check: () => db.ping() }];
  components.add({ name: 'postgres', start: async () => undefined, stop: () => db.close() });

  const openSearch = openSearchOf(config);
  if (openSearch !== undefined) {
    components.add({ name: 'opensearch', start: async () => undefined, stop: () => openSearch.connection.close() });
  }

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
    if (openSearch !== undefined) {
      // None of it is asked for readiness: without OpenSearch the service does all of its work.
      const { index } = openSearch;
      const indexProducts = createProductIndexer({ db, index, metrics, clock });
      const make = async (signal: AbortSignal): Promise<void> => {
        const report = (line: string): void => logger.info('reindex', { progress: line });
        await reindexCatalog({ db, index, clock, logger, report, signal });
      };
      const hasIndex = async (): Promise<boolean> => (await index.live()) !== undefined;
      components.add(createSearchIndexKeeper({ hasIndex, make, logger }));
      components.add(subscribeToCatalogChanges({ kafka, db, index: indexProducts, onFatal }));
    }
  }

  const policies = createPolicies(config, { logger, metrics });
  const openSearchFlag = coordination.settings.follow(SEARCH_OPENSEARCH);
  const search = createCatalogSearch({
    db,
    isOpenSearchOn: () => openSearchFlag.current ?? true,
    openSearch: openSearch && searchThrough(openSearch, policies, config),
    logger,
    metrics,
  });
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
    routes: role === 'worker' ? [] : productRoutes({ db, catalog, search }),
    readiness,
    dependencies: policies.states,
    mapError: refusalAnswer,
    docs: readServiceDocs(SERVICE),
  });
  const server = httpServer({ app, host: config.HOST, port: config.PORT, logger });
  const grpcServer = createGrpcServer({
    service: SERVICE,
    host: config.HOST,
    port: config.GRPC_PORT,
    services: [{ definition: ProductServiceDefinition, implementation: productCalls({ db, search }) }],
    verifier,
    serviceKey: config.SERVICE_KEY,
    mapError: refusalAnswer,
    logger,
    metrics,
  });
  components.add(together('servers', role === 'worker' ? [server] : [grpcServer, server]));
  if (role !== 'worker') {
    components.add(coordination.registration({ http: () => server.port, grpc: () => grpcServer.address }));
  }
  return {
    start: () => components.start(),
    stop: () => components.stop(),
    get url() {
      return server.url;
    },
    get grpcAddress() {
      return grpcServer.address;
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

/** Builds the search index anew, or compares it only; undefined when there is none to compare. */
export async function reindex(
  config: ReindexConfig,
  { checkOnly, report }: { checkOnly: boolean; report: (line: string) => void },
): Promise<ReindexResult | undefined> {
  const logger = loggerOf(config);
  const { connection, index } = openSearchAt(config.OPENSEARCH_URL, config);
  try {
    return await withDatabase(config, { service: SERVICE, logger }, (db) =>
      (checkOnly ? checkIndex : reindexCatalog)({ db, index, clock: () => new Date(), logger, report }),
    );
  } finally {
    await connection.close();
  }
}

type OpenSearch = { connection: Connection; index: CatalogIndex };

function openSearchOf(config: ServiceConfig): OpenSearch | undefined {
  return config.OPENSEARCH_URL === undefined ? undefined : openSearchAt(config.OPENSEARCH_URL, config);
}

function openSearchAt(url: string, config: SearchIndexConfig): OpenSearch {
  const connection = connectOpenSearch(url);
  const shape = { shards: config.OPENSEARCH_SHARDS, replicas: config.OPENSEARCH_REPLICAS };
  const index = createCatalogIndex({ connection, prefix: config.OPENSEARCH_INDEX_PREFIX, shape });
  return { connection, index };
}

/**
 * Nothing waits: Postgres can answer at once, and what OpenSearch is asked beyond what it works on would only wait there, until
 * everything is too late. A refusal is an answer: an index that is not there yet says nothing about OpenSearch.
 */
function searchThrough({ connection, index }: OpenSearch, policies: Policies, config: ServiceConfig) {
  const timeoutMs = config.OPENSEARCH_TIMEOUT;
  const policy = policies.create('opensearch', {
    timeoutMs,
    concurrency: config.OPENSEARCH_CONCURRENCY,
    queue: 0,
    judge: (error) => (error instanceof SearchRefused ? 'answered' : 'failed'),
  });
  return { searcher: createCatalogSearcher(connection, { alias: index.alias, timeoutMs }), policy };
}

function loggerOf(config: DatabaseOnlyConfig): Logger {
  return createLogger({ service: SERVICE, level: config.LOG_LEVEL });
}
